/** Gradients for a model made elsewhere: from the bytes of a file to those of another. */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { grad } from './grad/grad'
import { isStopped } from './grad/stop-gradient'
import { bodiesOf, capturedBy } from './graph/bodies'
import { isFloat } from './graph/dtype'
import { kindOf, showTensor, type Graph, type Tensor } from './graph/graph'
import { sizeOf } from './graph/shape'
import { Identity } from './ops/elementwise'
import { decode, parse } from './parse'
import { serialize } from './serialize'

export interface DifferentiateOptions {
  /** Name of the value to differentiate, a single number; it becomes an output if it is none. */
  loss: string
  /** Names of inputs and initializers; each gets an output `<name>_grad` of its type and shape. */
  wrt: readonly string[]
  /** Make the initializers named in `wrt` inputs, so that a training loop can feed new values. @default false */
  initializersAsInputs?: boolean
}

/** The bytes of a model that has the outputs of `model` and the gradients of one of its values. */
export function differentiate(model: Uint8Array | ArrayBuffer, options: DifferentiateOptions): Uint8Array {
  checkNames('differentiate', options, { loss: true, wrt: true, initializersAsInputs: true })
  const { loss, wrt, initializersAsInputs = false } = options
  const names: unknown = wrt
  if (!Array.isArray(names))
    throw new EvolmmError(
      'INVALID_OPTION',
      `differentiate.wrt: must be a list of names, got ${kindOf(names)}; write ['weight']`,
      { details: { option: 'wrt', value: names } },
    )
  const constants = new Set(
    initializersAsInputs ? decode(model).graph?.initializer.map(({ name }) => name) : [],
  )
  const graph = parse(model, {
    inlineFunctions: true,
    initializersAsInputs: initializersAsInputs ? wrt.filter((name) => constants.has(name)) : [],
  })
  const { body } = graph
  const lossTensor = find(loss, 'loss', valuesOf(graph), namesOf(body.outputs))
  const isKnown = lossTensor.shape !== undefined
  if (!isFloat(lossTensor.dtype) || (isKnown && sizeOf(lossTensor.shape) !== 1)) throw notAScalar(lossTensor)
  const sources = [...new Set([...body.inputs, ...body.initializers])]
  const tensors = [...new Set(wrt)].map((name) => find(name, 'wrt', sources, namesOf(sources)))
  const reached = sourcesOf(lossTensor)
  for (const tensor of tensors) {
    if (!isFloat(tensor.dtype)) {
      throw new EvolmmError(
        'NOT_DIFFERENTIABLE',
        `differentiate: wrt must be floats, got ${showTensor(tensor)}; leave it out`,
        { details: { name: tensor.name, dtype: tensor.dtype } },
      )
    }
    if (!reached.has(tensor)) {
      const others = sources.filter((source) => reached.has(source) && isFloat(source.dtype))
      throw new EvolmmError(
        'NO_PATH',
        `differentiate: the loss "${loss}" must depend on "${tensor.name}" through floats, got no path; it depends on: ${list(namesOf(others))}`,
        { details: { loss, name: tensor.name } },
      )
    }
  }
  // A shape is mostly unknown because of an operator without any rule: then that is the error.
  const gradients = grad(lossTensor, tensors)
  if (!isKnown) throw notAScalar(lossTensor)
  if (!body.outputs.includes(lossTensor)) body.outputs.push(own(lossTensor, graph))
  for (const [index, tensor] of tensors.entries()) {
    graph.output(`${tensor.name}_grad`, own(gradients[index], graph))
  }
  return serialize(graph)
}

function notAScalar(loss: Tensor): EvolmmError {
  return new EvolmmError(
    'NOT_A_SCALAR',
    `differentiate: the loss must be a single float whatever the inputs are, got ${showTensor(loss)}; ` +
      'add a reduction to the model or name another value',
    { details: { loss: loss.name, dtype: loss.dtype, shape: loss.shape } },
  )
}

/** `tensor`, or a copy where it cannot be an output itself. */
function own(tensor: Tensor, { body }: Graph): Tensor {
  return tensor.node === undefined || body.outputs.includes(tensor) ? Identity(tensor) : tensor
}

function valuesOf({ body }: Graph): Tensor[] {
  const made = body.nodes.flatMap(({ outputs }) => outputs.filter((output) => output !== undefined))
  return [...body.inputs, ...body.initializers, ...made]
}

function namesOf(tensors: readonly Tensor[]): string[] {
  return tensors.map(({ name }) => name)
}

function find(name: string, option: string, among: readonly Tensor[], shown: readonly string[]): Tensor {
  const found = among.find((tensor) => tensor.name === name)
  if (found === undefined) {
    throw new EvolmmError(
      'UNKNOWN_NAME',
      `differentiate: ${option} must name ${option === 'loss' ? 'a value' : 'inputs or initializers'} of the model, ` +
        `got ${JSON.stringify(name)}; there are: ${list(shown)}`,
      { details: { option, name, names: shown } },
    )
  }
  return found
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 50).join(', ')
  return names.length > 50 ? `${shown} and ${names.length - 50} more` : shown
}

/** What `loss` depends on through floats, as gradients see it. */
function sourcesOf(loss: Tensor): Set<Tensor> {
  const reached = new Set([loss])
  for (const node of loss.scope.nodes.toReversed()) {
    const leads = node.outputs.some(
      (output) => output !== undefined && reached.has(output) && !isStopped(output),
    )
    if (!leads) continue
    for (const input of [...node.inputs, ...bodiesOf(node).flatMap(capturedBy)])
      if (input !== undefined && isFloat(input.dtype)) reached.add(input)
  }
  return reached
}
