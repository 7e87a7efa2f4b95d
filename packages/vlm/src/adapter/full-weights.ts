/** Weights trained as a whole, all of them or some, which begin with the values of the checkpoint. */
import { findNotFinite } from '@evolmm/internal'
import { streamTensor } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import type { StoredModel } from '../checkpoint/open-checkpoint'
import { trainable } from '../programs/trainable'
import type { Adapter } from './adapter'
import { checkParameters } from './check-parameters'
import { parameterView } from './parameter-view'
import { matchTargets, nothingMatched } from './match-targets'

/** These options say which weights are trained. */
export interface FullModulesOptions {
  /**
   * Weights by their whole name or its last parts: `q_proj.weight`, `norm.weight`. Names that match nothing are reported.
   * @default all
   */
  targets?: readonly string[] | undefined
  /** Let targets match in the vision tower too, its merger included. @default false */
  vision?: boolean | undefined
}

export interface FullWeightsOptions extends FullModulesOptions {
  /** A checkpoint of the same model whose values they begin with. @default the model's own */
  folder?: string | undefined
}

/**
 * Throws `INVALID_OPTION`, `NO_MATCH` if no target names a weight, `TOO_MANY_PARAMETERS` before anything is read,
 * `NOT_FINITE` for a number that is none, or what reading throws.
 */
export async function fullWeights(
  backbone: Backbone,
  checkpoint: StoredModel,
  options: FullModulesOptions = {},
): Promise<Adapter> {
  const found = fullModules(backbone, options)
  const { size } = found.trainable.layout
  checkParameters('trainWeights', size)
  const adapter = { ...found, parameters: new Float32Array(size), dropout: 0 }
  for (const name of found.matched) {
    const tensor = checkpoint.tensors.get(name)
    if (tensor === undefined) throw new Error(`internal: the checkpoint has no tensor "${name}"`)
    const values = parameterView(adapter, name)
    let at = 0
    for await (const piece of streamTensor(tensor)) {
      const wrong = findNotFinite(piece)
      if (wrong !== -1)
        throw new EvolmmError(
          'NOT_FINITE',
          `${tensor.file}: weight ${JSON.stringify(tensor.name)} must hold finite numbers, got ${piece[wrong]} at place ${at + wrong}; get the checkpoint again`,
          { details: { file: tensor.file, name: tensor.name } },
        )
      values.set(piece, at)
      at += piece.length
    }
  }
  return adapter
}

/** The same without the parameters: a table of what would be trained. */
export function fullModules(
  backbone: Backbone,
  { targets, vision = false }: FullModulesOptions = {},
): Pick<Adapter, 'trainable' | 'matched' | 'unmatched'> {
  const names = [...backbone.weights.keys()].filter((name) => vision || !backbone.isVision(name))
  const { matched, unmatched } =
    targets === undefined ? { matched: names, unmatched: [] } : matchTargets(backbone, names, targets)
  if (matched.length === 0) throw nothingMatched('weight', backbone, { targets: targets ?? [], vision })
  return { trainable: trainable(backbone, new Map(), new Set(matched)), matched, unmatched }
}
