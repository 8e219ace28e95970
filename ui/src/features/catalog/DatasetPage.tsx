/** TODO */
import { Loading } from "~/components/Feedback";

export function DatasetPage() {
  return <Loading />;
}
