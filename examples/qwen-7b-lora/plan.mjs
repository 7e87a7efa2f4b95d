/**
 * What a LoRA on Qwen2.5-VL would take, before anything is downloaded: node plan.mjs
 *
 * All programs are built from the shapes of the published configuration, and nothing is run. Printed are what they take
 * and give, how large they are, and an estimate of the memory for one step: one image, one prompt, five completions,
 * one gradient.
 */
import { checkMemory, estimateMemory, EvolmmError, planPrograms, publishedConfigs } from '@evolmm/vlm'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

// An image of 896 x 896 pixels is 64 x 64 patches and a quarter as many tokens; the rest of the prompt is text.
const step = { promptTokens: 1300, imagePatches: [64 * 64], samples: 5, completionTokens: 128 }
const device = { device: 'cuda', dtype: 'bfloat16' }

/** The report as text. `args` are those of the command line. */
export function report(args = []) {
  const { size, memory, rank, checkpointed } = parse(args)
  const config = publishedConfigs[size]
  const start = performance.now()
  const { programs, parameters } = planPrograms({ config, adapter: { rank }, checkpointed })
  const seconds = (performance.now() - start) / 1000
  const estimates = [false, true].map((anew) =>
    estimateMemory({ config, ...device, ...step, trainable: parameters, checkpointed: anew }),
  )
  const million = (parameters / 1e6).toFixed(1)
  return [
    `Qwen2.5-VL-${size} with LoRA of rank ${rank} on the language model: ${million} million parameters are trained.`,
    '',
    `Programs${checkpointed ? ', the gradient with each block computed anew' : ''}, built in ${seconds.toFixed(1)} s`,
    ...programs.flatMap(programLines),
    '',
    `Memory for one step on ${device.device}, weights in ${device.dtype}: a prompt of ${step.promptTokens} tokens, ` +
      `${step.samples} completions of ${step.completionTokens}`,
    ...memoryTable(estimates),
    'By formulas that were fitted on CPUs; no GPU has been measured: see the README.',
    '',
    verdict(estimates[checkpointed ? 1 : 0], memory),
  ].join('\n')
}

function parse(args) {
  const { values } = parseArgs({
    args,
    options: {
      size: { type: 'string', default: '7B' },
      memory: { type: 'string', default: '80GB' },
      rank: { type: 'string', default: '16' },
      checkpointed: { type: 'boolean', default: false },
    },
  })
  const { size, checkpointed } = values
  if (!Object.hasOwn(publishedConfigs, size))
    throw new TypeError(`--size: must be one of ${Object.keys(publishedConfigs).join(', ')}, got ${size}`)
  const [, amount] = /^(\d+(?:\.\d+)?) ?GB$/i.exec(values.memory) ?? []
  if (!(Number(amount) > 0))
    throw new TypeError(`--memory: must be a number of gigabytes such as 80GB, got ${values.memory}`)
  return { size, checkpointed, rank: Number(values.rank), memory: Number(amount) * 1e9 }
}

function programLines({ name, nodes, graphBytes, weightBytes, inputs, outputs }) {
  const megabytes = (graphBytes / 1e6).toFixed(1).padStart(5)
  const gigabytes = (weightBytes / 1e9).toFixed(2).padStart(7)
  return [
    `  ${name.padEnd(9)}${count(nodes).padStart(7)} nodes ${megabytes} MB, refers to ${gigabytes} GB of weights`,
    ...tensorLines('in ', inputs),
    ...tensorLines('out', outputs),
  ]
}

/** One line for each; those that every layer has are one. */
function tensorLines(label, tensors) {
  const stems = [...new Set(tensors.map(stemOf))]
  return stems.map((stem) => {
    const group = tensors.filter((each) => stemOf(each) === stem)
    const [{ name, dtype, shape }, last] = [group[0], group.at(-1)]
    const names = group.length > 1 ? `${name} to ${last.name}` : name
    return `    ${label}  ${names.padEnd(30)}${dtype.padEnd(8)} [${shape.join(', ')}]`
  })
}

const stemOf = ({ name }) => name.replace(/\d+$/, '')

function memoryTable([kept, anew]) {
  const row = (name, ...bytes) =>
    `  ${name.padEnd(12)}${bytes.map((each) => `${(each / 1e9).toFixed(2)} GB`.padStart(14)).join('')}`
  return [
    `  ${''.padEnd(12)}${['as it is', 'checkpointed'].map((title) => title.padStart(14)).join('')}`,
    ...Object.keys(kept.parts).map((name) => row(name, kept.parts[name], anew.parts[name])),
    row('total', kept.total, anew.total),
  ]
}

function verdict(estimate, memory) {
  const { total, parts } = estimate
  try {
    checkMemory(estimate, memory)
    return `It fits: about ${gb(total)} of ${gb(memory)}.`
  } catch (error) {
    if (!(error instanceof EvolmmError) || error.code !== 'MEMORY_EXCEEDED') throw error
    const helps =
      parts.weights > memory
        ? `the weights of the open programs alone take ${gb(parts.weights)}, so use a smaller model or more memory`
        : error.message.slice(error.message.indexOf('; ') + 2)
    return `It does not fit: about ${gb(total)} are needed, and there are ${gb(memory)}; ${helps}.`
  }
}

const gb = (bytes) => `${(bytes / 1e9).toPrecision(3)} GB`
const count = (number) => number.toLocaleString('en')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(report(process.argv.slice(2)))
  } catch (error) {
    const bad = error instanceof TypeError || error instanceof EvolmmError
    if (!bad) throw error
    console.error(error.message)
    process.exitCode = 2
  }
}
