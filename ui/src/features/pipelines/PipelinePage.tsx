/** TODO */
import { Loading } from "~/components/Feedback";

export function PipelinePage() {
  return <Loading />;
}
