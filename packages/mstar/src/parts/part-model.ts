/** The model of a part of a run, and the adapters that it names. */
import {
  modelOptions,
  optionsOf,
  pixelOptions,
  type modelRows,
  type pixelRows,
  type Values,
} from '@evolmm/settings'
import { loadVlm, type Adapter } from '@evolmm/vlm'
import type { AnsweringModels } from '../policy'

/** What the parts ask of a model. */
export type PartModel = AnsweringModels['vlm'] & {
  loadAdapter: (idOrFolder: string, options: { adapterName?: string | undefined }) => Promise<Adapter>
  dispose: () => Promise<void>
}

type ModelSettings = Values<typeof modelRows> & Values<typeof pixelRows>

export function openPartModel(settings: ModelSettings): Promise<PartModel> {
  return loadVlm(settings.model, { ...modelOptions(settings), ...pixelOptions(settings) })
}

/** The adapter that answers; none where none is named. */
export async function policyOf(
  vlm: Pick<PartModel, 'loadAdapter'>,
  { adapter, adapter_subfolder: subfolder }: { adapter: string | null; adapter_subfolder: string | null },
): Promise<Adapter | undefined> {
  return adapter === null ? undefined : vlm.loadAdapter(adapter, optionsOf({ adapterName: subfolder }))
}
