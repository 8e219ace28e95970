"""Ray's nodes as a process of its own, on loopback alone: what it reads on its standard input kills them.

``python ray_nodes.py '[{"num_cpus": 2}, …]'`` prints the address when all are there; ``kill 1`` ends the second, as if
its machine had gone; the end of its input ends all.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    from ray.cluster_utils import Cluster

    head, *others = json.loads(sys.argv[1])
    cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **head})
    nodes = [cluster.head_node, *(cluster.add_node(wait=False, **one) for one in others)]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for line in sys.stdin:
        number = int(line.removeprefix("kill "))
        cluster.remove_node(nodes[number], allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
