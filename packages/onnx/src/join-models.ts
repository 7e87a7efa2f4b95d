/**
 * Several models as one, of which a run takes its choice: each is a branch of an `If`, and weights in files are constants of
 * the whole, there once however many models read them. A runtime that copies weights to a device copies them once.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { EvolmmError } from './errors'
import type { DType } from './graph/dtype'
import { branchNode } from './joining/branch-node'
import { sharedWeights } from './joining/shared-weights'
import { renameTensors } from './joining/rename-tensors'
import { typedValue, typeOf } from './joining/values'
import { decode } from './parse'
import { quote } from './parsing/invalid'
import { GraphProtoSchema, ModelProtoSchema, type GraphProto, type ModelProto } from './proto/gen/onnx_pb'

export interface JoinedInput {
  /** Its name in the joined model. */
  name: string
  dtype: DType
  /** The number of its lengths. Where another model runs, all of them may be 0. */
  rank: number
}

export interface JoinedPart {
  /** The name of the input, bool [], that says whether this model runs. */
  runs: string
  /** Inputs and outputs by their names in the model itself. */
  inputs: ReadonlyMap<string, JoinedInput>
  /** Names in the joined model. Outputs of a model that does not run are empty. */
  outputs: ReadonlyMap<string, string>
}

export interface JoinedModel {
  bytes: Uint8Array
  parts: ReadonlyMap<string, JoinedPart>
}

/**
 * Joins files that `serialize(graph, { flat: true })` made, each under a name. Weights that lie in files are one where place,
 * type and shape are; so is what a `Cast` makes of them. Throws `UNSUPPORTED_MODEL` for a file with functions, `OPSET` where
 * operator sets differ.
 */
export function joinModels(models: ReadonlyMap<string, Uint8Array>): JoinedModel {
  checkModels(models)
  const graph = create(GraphProtoSchema, { name: 'joined' })
  const joined = create(ModelProtoSchema, { producerName: 'evolmm', graph })
  const weights = sharedWeights()
  const parts = new Map<string, JoinedPart>()
  for (const [name, bytes] of models) {
    const model = decode(bytes)
    agree(joined, model, name)
    if (model.graph === undefined || model.functions.length > 0)
      throw new EvolmmError(
        'UNSUPPORTED_MODEL',
        `joinModels: ${quote(name)} must be a model without functions, got ${model.functions.length}; serialize it with { flat: true }`,
        { details: { name } },
      )
    const taken = weights.take(model.graph)
    parts.set(name, addBranch(graph, model.graph, { name, taken }))
  }
  graph.initializer.push(...weights.initializers)
  graph.node.unshift(...weights.casts)
  return { bytes: toBinary(ModelProtoSchema, joined), parts }
}

/** Both are of the same versions of the format and of the operators. */
function agree(joined: ModelProto, { irVersion, opsetImport }: ModelProto, name: string): void {
  if (irVersion > joined.irVersion) joined.irVersion = irVersion
  for (const each of opsetImport) {
    const known = joined.opsetImport.find(({ domain }) => domain === each.domain)
    if (known === undefined) joined.opsetImport.push(each)
    else if (known.version !== each.version)
      throw new EvolmmError(
        'OPSET',
        `joinModels: ${quote(name)} must have operator set ${known.version} as those before it, got ${each.version}; make all of one`,
        { details: { name, domain: each.domain } },
      )
  }
}

interface Branch {
  name: string
  /** Names of shared weights by those in the branch. */
  taken: ReadonlyMap<string, string>
}

/** Makes `branch` a part of `graph`. */
function addBranch(graph: GraphProto, branch: GraphProto, { name, taken }: Branch): JoinedPart {
  const given = branch.input
  const [inputs, outputs] = [given, branch.output].map((values) => values.map((value) => value.name))
  renameTensors(branch, (own) => taken.get(own) ?? `${name}/${own}`)
  branch.input = []
  const runs = `${name} runs`
  const results = outputs.map((output) => `${name}:${output}`)
  const { node, types } = branchNode(branch, { runs, results })
  const typed = given.map((value) => ({ name: value.name, ...typeOf(value) }))
  graph.node.push(node)
  graph.input.push(typedValue(runs, 'bool', []))
  graph.input.push(...typed.map((input) => typedValue(input.name, input.dtype, input.lengths)))
  graph.output.push(...types)
  return {
    runs,
    inputs: new Map(typed.map(({ lengths, ...input }, i) => [inputs[i], { ...input, rank: lengths.length }])),
    outputs: new Map(outputs.map((own, i) => [own, results[i]])),
  }
}

function checkModels(models: unknown): void {
  const isGiven = models instanceof Map && [...models.values()].every((bytes) => bytes instanceof Uint8Array)
  if (isGiven) return
  throw new EvolmmError(
    'INVALID_OPTION',
    'models: must be a Map of Uint8Array by name, got something else; pass what serialize returns, each under a name',
    { details: { option: 'models' } },
  )
}
