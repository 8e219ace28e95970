"""The smallest flow: a flow has a start and an end, which makes two steps."""

from metaflow import FlowSpec, step


class One(FlowSpec):
    @step
    def start(self):
        self.x = 0
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    One()
