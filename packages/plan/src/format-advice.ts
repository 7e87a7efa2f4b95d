/** Advice in words, with settings as their reader would write them. */
import { checkList, checkObject, formatBytes } from '@evolmm/internal'
import type { Advice, Alternative } from './advise'

/** A setting with a value as the reader of a message would write it. */
export type WriteSetting = (setting: string, value: unknown) => string

/** The words are such as "batch_size 2 (31.0 GB), or lora_r 8 (33.2 GB) would do". */
export function formatAdvice<V extends object>(
  advice: Advice<V>,
  write: WriteSetting = (setting, value) => `${setting} ${String(value)}`,
): string {
  checkObject('advice', advice)
  const { enough, alternatives } = advice
  checkList('alternatives', alternatives)
  const changes = (one: Alternative<V>) =>
    Object.entries(one.changes)
      .map(([setting, value]) => write(setting, value))
      .join(' ')
  const bytes = ({ total }: Alternative<V>) => formatBytes(total.device > 0 ? total.device : total.host)
  if (enough) return `${alternatives.map((one) => `${changes(one)} (${bytes(one)})`).join(', or ')} would do`
  const most = alternatives.map((one) => `${changes(one)} would leave ${bytes(one)}, so `)
  return `${most.join('')}use a smaller model or more memory`
}
