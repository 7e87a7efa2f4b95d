/**
 * A new LoRA adapter, with the initial values of PEFT: A uniform within `±1 / sqrt(in)` (Kaiming with a = sqrt(5)), B
 * zero, so that it changes nothing yet.
 *
 * PEFT takes a target for the end of a module's name anywhere in the model. Vision blocks may have gate_proj, up_proj and
 * down_proj too, so the usual seven names would adapt the vision tower's MLPs as well. Here the vision tower takes part
 * only with `vision: true`, and then the modules are those that PEFT would adapt.
 */
import { createHash } from 'node:crypto'
import { checkInteger, checkNames, checkNumber, philox4x32 } from '@evolmm/internal'
import type { Backbone } from '../backbones/backbone'
import { loraA, trainable } from '../programs/trainable'
import type { Adapter } from './adapter'
import { checkParameters } from './check-parameters'
import { parameterView } from './parameter-view'
import { matchTargets, nothingMatched } from './match-targets'

/** These options say which modules are adapted, and how. */
export interface AdaptedModulesOptions {
  /** @default that of {@link loraDefaults} */
  rank?: number | undefined
  /** The adapter counts `alpha / rank`. @default that of {@link loraDefaults} */
  alpha?: number | undefined
  /**
   * Modules by their whole name or its last parts: `q_proj`, `mlp.0`, `self_attn.q_proj`. Names that match nothing are
   * reported. @default the projections of a language block
   */
  targets?: readonly string[] | undefined
  /** Let targets match in the vision tower too, its merger included. @default false */
  vision?: boolean | undefined
}

/** The shape of an adapter of which nothing else is said; settings of methods have their defaults from here. */
export const loraDefaults = { rank: 16, alpha: 32, dropout: 0 }

export interface CreateAdapterOptions extends AdaptedModulesOptions {
  /** Share of the inputs of adapted modules that the learning pass drops. @default that of {@link loraDefaults} */
  dropout?: number | undefined
  /** Same seed, same values. @default 0 */
  seed?: number | undefined
}

/** Throws `INVALID_OPTION`, `NO_MATCH` if no target names a module, or `TOO_MANY_PARAMETERS`. */
export function createAdapter(backbone: Backbone, options: CreateAdapterOptions = {}): Adapter {
  checkNames('createAdapter', options, {
    rank: true,
    alpha: true,
    targets: true,
    vision: true,
    dropout: true,
    seed: true,
  })
  const found = adaptedModules(backbone, options)
  const dropout = checkNumber('dropout', options.dropout ?? loraDefaults.dropout, { min: 0, below: 1 })
  const seed = checkInteger('seed', options.seed ?? 0, { min: 0 })
  const { size } = found.trainable.layout
  checkParameters('createAdapter', size, 'pass a smaller rank or fewer targets')
  const adapter = { ...found, parameters: new Float32Array(size), dropout }
  for (const [module, { rank }] of found.trainable.lora) {
    const values = parameterView(adapter, loraA(module))
    fillUniform(values, { name: loraA(module), seed, bound: Math.sqrt(rank / values.length) })
  }
  return adapter
}

/** The same without the parameters: a table of what would be trained. */
export function adaptedModules(
  backbone: Backbone,
  options: AdaptedModulesOptions = {},
): Pick<Adapter, 'trainable' | 'matched' | 'unmatched'> {
  const { targets = backbone.targets, vision = false } = options
  const rank = checkInteger('rank', options.rank ?? loraDefaults.rank, { min: 1 })
  const alpha = checkNumber('alpha', options.alpha ?? loraDefaults.alpha, { above: 0 })
  const modules = [...backbone.modules.keys()].filter((name) => vision || !backbone.isVision(name))
  const { matched, unmatched } = matchTargets(backbone, modules, targets)
  if (matched.length === 0) throw nothingMatched('module', backbone, { targets, vision })
  const lora = new Map(matched.map((module) => [module, { rank, alpha }]))
  return { trainable: trainable(backbone, lora), matched, unmatched }
}

/**
 * Each tensor has a stream of its own: counter from the number of four values and the first 64 bits of the name's
 * SHA-256, key from the seed.
 */
function fillUniform(
  values: Float32Array,
  { name, seed, bound }: { name: string; seed: number; bound: number },
): void {
  const digest = createHash('sha256').update(name).digest()
  const stream = [digest.readUInt32LE(0), digest.readUInt32LE(4)] as const
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const
  for (let i = 0; i < values.length; i += 4) {
    const block = i / 4
    const words = philox4x32([block % 2 ** 32, Math.floor(block / 2 ** 32), ...stream], key)
    for (let j = 0; j < 4 && i + j < values.length; j++)
      values[i + j] = bound * (((words[j as 0 | 1 | 2 | 3] >>> 8) + 0.5) / 2 ** 23 - 1)
  }
}
