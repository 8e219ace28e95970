/** TODO */
import { Loading } from "~/components/Feedback";

export function ComparePage() {
  return <Loading />;
}
