/** A LoRA adapter from a folder that PEFT or `saveAdapter` wrote. */
import type { Backbone } from '../backbones/backbone'
import { loraA, loraB, trainable } from '../programs/trainable'
import type { Adapter } from './adapter'
import { parameterView } from './parameter-view'
import { endsIn } from './match-targets'
import { adapterHome, readPeft } from './read-peft'
import { readValueHead } from './value-head'

export interface LoadAdapterOptions {
  /** The adapter's name in the folder; `default` lies in the folder itself. @default 'default' */
  adapterName?: string | undefined
}

/** Throws what `readPeft` throws: `UNREADABLE_FILE`, `INVALID_SAFETENSORS`, `INVALID_ADAPTER`, `UNSUPPORTED_ADAPTER`. */
export async function loadAdapter(
  folder: string,
  backbone: Backbone,
  { adapterName = 'default' }: LoadAdapterOptions = {},
): Promise<Adapter> {
  const { config, tensors } = await readPeft(folder, { model: backbone, adapterName })
  const matched = [...tensors.keys()]
  const set = trainable(
    backbone,
    new Map([...tensors].map(([module, { rank, alpha }]) => [module, { rank, alpha }])),
  )
  const targets = Array.isArray(config.targetModules) ? (config.targetModules as readonly string[]) : []
  const adapter = {
    trainable: set,
    parameters: new Float32Array(set.layout.size),
    dropout: config.dropout,
    matched,
    unmatched: targets.filter((target) => !matched.some((module) => endsIn(backbone, module, target))),
  }
  for (const [module, { A, B }] of tensors) {
    parameterView(adapter, loraA(module)).set(A)
    parameterView(adapter, loraB(module)).set(B)
  }
  return readValueHead(adapterHome(folder, adapterName), backbone, adapter)
}
