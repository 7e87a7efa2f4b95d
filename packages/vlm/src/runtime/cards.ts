/** The cards of NVIDIA in this machine, and which of them CUDA shows to this process. */
import { execFile } from 'node:child_process'

export interface Card {
  /** What the driver's tools call it; CUDA numbers those that it shows. */
  index: number
  uuid: string
  name: string
  /** Bytes that nobody has taken; `undefined` where the driver does not say. */
  free: number | undefined
}

/** Variables of a process: its own, or those that a test gives. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Every card, in the order of their places on the bus; none where the driver's `nvidia-smi` is not there or has no answer. */
export async function listCards(environment: Environment = process.env): Promise<Card[]> {
  const query = ['--query-gpu=index,uuid,memory.free,name', '--format=csv,noheader,nounits']
  const text = await command('nvidia-smi', query, environment).catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [index = '', uuid = '', free = '', ...name] = line.split(',').map((part) => part.trim())
    if (!/^\d{1,4}$/.test(index) || uuid === '') return []
    const mebibytes = /^\d{1,9}$/.test(free) ? Number(free) : undefined
    return [{ index: Number(index), uuid, name: name.join(', '), free: mebibytes && mebibytes * 2 ** 20 }]
  })
}

/**
 * The cards as CUDA numbers them from 0. `CUDA_VISIBLE_DEVICES` holds indices and beginnings of UUIDs, of which all from
 * the first wrong one on count nothing; one that occurs twice hides all. Without `CUDA_DEVICE_ORDER=PCI_BUS_ID` CUDA
 * puts the fastest first, so that numbers mean something other than the driver's where cards differ: those are `undefined`,
 * and so is a part of a card (MIG).
 */
export function visibleCards(
  cards: readonly Card[],
  { CUDA_VISIBLE_DEVICES: visible, CUDA_DEVICE_ORDER: order }: Environment = process.env,
): (Card | undefined)[] {
  const isOrdered = order === 'PCI_BUS_ID' || new Set(cards.map(({ name }) => name)).size < 2
  const numbered = cards.map((card) => (isOrdered ? card : undefined))
  if (visible === undefined) return numbered
  const shown: (Card | undefined)[] = []
  const taken = new Set<string>()
  for (const entry of visible.split(',').map((part) => part.trim())) {
    const matches = cards.filter(({ uuid }) => uuid.startsWith(entry))
    const isNumber = /^\d{1,4}$/.test(entry) && Number(entry) < cards.length
    const isUuid = entry.startsWith('GPU-') && matches.length === 1
    if (!isNumber && !isUuid && !entry.startsWith('MIG-')) break
    const key = isUuid ? matches[0].uuid : isNumber ? (numbered[Number(entry)]?.uuid ?? entry) : entry
    if (taken.has(key)) return []
    taken.add(key)
    shown.push(isNumber ? numbered[Number(entry)] : isUuid ? matches[0] : undefined)
  }
  return shown
}

/** What a command of the driver writes; it is looked for on the path of `environment`. */
function command(file: string, args: readonly string[], environment: Environment): Promise<string> {
  return new Promise((settle, refuse) => {
    const options = { timeout: 10_000, maxBuffer: 2 ** 20, env: { ...environment } }
    execFile(file, args, options, (error, output) => {
      if (error) refuse(new Error(error.message))
      else settle(output)
    })
  })
}
