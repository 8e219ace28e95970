/** Which of eight colours is a layer's? */

const LAYERS = ["raw", "intermediate", "primary", "feature", "model_input", "models", "model_output", "reporting"];

/** One of eight colours for a layer: Kedro's names in their order, any other by its letters. */
export function layerIndex(layer: string | null): number | undefined {
  if (!layer) return undefined;
  const known = LAYERS.indexOf(layer.toLowerCase().replace(/^\d+[_-]?/, ""));
  if (known >= 0) return known + 1;
  let sum = 0;
  for (const letter of layer) sum += letter.charCodeAt(0);
  return (sum % 8) + 1;
}
