/** TODO */
import { Loading } from "~/components/Feedback";

export function RunPage() {
  return <Loading />;
}
