/** TODO */
import { Loading } from "~/components/Feedback";

export function ArtifactPage() {
  return <Loading />;
}
