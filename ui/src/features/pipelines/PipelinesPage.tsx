/** TODO */
import { Loading } from "~/components/Feedback";

export function PipelinesPage() {
  return <Loading />;
}
