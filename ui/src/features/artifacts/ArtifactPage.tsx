/** A value of its own address: `/artifacts/<hash>`. */
import { getRouteApi } from "@tanstack/react-router";

import ArtifactView from "./ArtifactView";
import css from "./ArtifactPage.module.css";

const route = getRouteApi("/artifacts/$artifactId");

export function ArtifactPage() {
  const { artifactId } = route.useParams();
  const met = route.useSearch();
  return (
    <div className={css.page}>
      <h1 className="hidden-text">Artifact {artifactId.slice(0, 12)}</h1>
      <ArtifactView key={artifactId} id={artifactId} met={met} />
    </div>
  );
}
