/** TODO */
import { Loading } from "~/components/Feedback";

export function RunsPage() {
  return <Loading />;
}
