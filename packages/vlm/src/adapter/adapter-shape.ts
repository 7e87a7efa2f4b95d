/** What an adapter adapts, from its `adapter_config.json` alone. */
import { checkText } from '@evolmm/internal'
import { readSmallText, unreadable } from '@evolmm/internal/node'
import { parsePeftConfig } from './peft-config'

export interface AdapterShape {
  rank: number
  alpha: number
  /** Names that modules end in; `undefined` where the file has a pattern or nothing. */
  targets: readonly string[] | undefined
}

/** Throws `UNREADABLE_FILE`, `INVALID_ADAPTER`, or `UNSUPPORTED_ADAPTER` for what we lack. */
export async function readAdapterShape(file: string): Promise<AdapterShape> {
  checkText('file', file)
  const { config } = parsePeftConfig(await readSmallText(file).catch(unreadable(file)), file)
  const { rank, alpha, targetModules } = config
  return { rank, alpha, targets: Array.isArray(targetModules) ? (targetModules as string[]) : undefined }
}
