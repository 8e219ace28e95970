/** TODO */
import { Loading } from "~/components/Feedback";

export function CatalogPage() {
  return <Loading />;
}
