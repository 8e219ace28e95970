/** TODO */
import { Loading } from "~/components/Feedback";

export function ProjectPage() {
  return <Loading />;
}
