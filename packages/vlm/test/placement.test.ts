/**
 * What the programs of a model leave to the CPU on a GPU provider, from the runtime's own log of node placements, with
 * WebGPU as the stand-in for all of them. Names may stand here only with a reason; what is large, only with its size.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bundleScript, prepareWebGpu } from '@evolmm/internal/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { tinyFolder } from './support/safetensors'
import type { CpuNode } from './support/watched-programs'

/** Nodes of shapes, lengths and places: small integers that the host needs anyway. */
const shapes = 'Add Concat Div Gather Identity Mul Range Reshape Shape Slice Sub Unsqueeze'
/** The draw: float64 and int64, which WebGPU has not, on one block of 512 words for each sample. */
const draw = 'Cast CumSum Equal Expand Greater Less LessOrEqual Or ReduceSum Where'
/** The padding that a gradient needs, decided from shapes. */
const padding = 'Less Max Min Where'
/** WebGPU has no loop; what it carries and stacks crosses. Filling up the last chunk of rows, too. */
const chunks = 'ConstantOfShape Loop'
/** The loop over chunks of queries of the tower, counted by the host. */
const queries = 'Add Concat Div Identity Loop Max Mul Reshape Sub'
/** Segments and places as float32, int64 before. */
const masks = 'Cast'
/** Rows that the last layer drops have gradients of zero, and need indices in the shape of what they are put into. */
const dropped = 'Expand'
/** Scalars of the step: float64 powers, whether the norm is a number. */
const scalars = 'Cast Div Greater Identity IsInf IsNaN Less Mul Or Pow ReduceSum Reshape Size Sqrt Sub'

const allowed: Record<string, string[]> = {
  encode: [queries],
  sample: [shapes, draw, chunks, masks],
  score: [shapes, chunks, masks],
  gradient: [shapes, padding, chunks, masks, dropped],
  'checkpointed gradient': [shapes, padding, chunks, masks, dropped],
  AdamW: [scalars],
}

/**
 * Results above 10 kB, where 111 rows of width 64 are 28 kB, logits of 5 samples 13 kB, and a mask of the prompt 49 kB:
 * the block of words that is drawn from, what the loop over chunks stacks (one row of width 64 for each scored token),
 * and the gradient's zeros and indices of dropped rows. Of an image what a block's loop over queries stacks is large, one row of
 * the hidden width for each patch.
 */
const large: Record<string, string[]> = {
  encode: ['Loop'],
  sample: ['Cast', 'CumSum'],
  gradient: ['ConstantOfShape', 'Expand', 'Loop'],
  'checkpointed gradient': ['ConstantOfShape', 'Expand', 'Loop'],
}

const missing = prepareWebGpu()
const title =
  missing === undefined ? 'node placement on WebGPU' : `node placement on WebGPU, skipped: ${missing}`

describe.skipIf(missing !== undefined)(title, () => {
  let log: Map<string, string>
  let ran: Record<string, CpuNode[]>
  beforeAll(async () => {
    const script = await bundleScript(new URL('support/watched-programs.ts', import.meta.url))
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [script.file, tinyFolder], {
        maxBuffer: 2 ** 28,
      })
      ran = JSON.parse(stdout) as typeof ran
      const parts = stderr.split(/^=== /m).slice(1)
      log = new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]))
    } finally {
      script.remove()
    }
  })

  test.each(Object.keys(allowed))('%s: only what is listed is placed on the CPU', (program) => {
    const placed = placements(log.get(program) ?? '')
    expect(placed.WebGpuExecutionProvider.length).toBeGreaterThan(10)
    const listed = new Set(allowed[program].flatMap((each) => each.split(' ')))
    expect([...new Set(placed.CPUExecutionProvider)].sort()).toEqual([...listed].sort())
  })

  test.each(Object.keys(allowed))('%s: nothing large comes out of the CPU but what is listed', (program) => {
    const found = ran[program].filter(({ op, bytes }) => bytes > 10_000 && !op.startsWith('Memcpy'))
    expect([...new Set(found.map(({ op }) => op))].sort()).toEqual(large[program] ?? [])
  })
})

/** Operators by provider, from the lines that follow "Node placements". */
function placements(log: string): Record<string, string[]> {
  const found = new Map<string, string[]>()
  let nodes: string[] = []
  for (const [, text] of log.matchAll(/VerifyEachNodeIsAssignedToAnEp\] (.*)/g)) {
    const named = /(All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(text)
    const node = /^ +(\w+) \(/.exec(text)
    if (named !== null) {
      // Nodes are not listed where one provider has all.
      nodes = named[1] === 'All nodes' ? Array<string>(Number(named[3])).fill('any') : []
      found.set(named[2], nodes)
    } else if (node !== null) nodes.push(node[1])
  }
  return {
    WebGpuExecutionProvider: found.get('WebGpuExecutionProvider') ?? [],
    CPUExecutionProvider: found.get('CPUExecutionProvider') ?? [],
  }
}
