/** `run.json` in the folder of a run: what was true when it began. A resumed run leaves it as it is. */

export interface RunFile {
  schema_version: 1
  name: string
  /** ISO 8601. */
  started: string
  versions: { evolmm: string; node: string; onnxruntime: string }
  /** The resolved configuration, by the names of the flags. */
  config: Readonly<Record<string, unknown>>
  images: { root: string; count: number }
  /** Numbers of the evaluation probe before the first iteration; `null` without a probe. */
  probe: Readonly<Record<string, number>> | null
}
