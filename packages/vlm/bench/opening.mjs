/**
 * What it takes to open programs of many blocks, and to run them: pnpm bench:opening [--before=FOLDER] [--blocks=6,12,24,36,48]
 * [--kinds=sample,score] [--part=opening|memory]
 *
 * 1. opening: processor seconds that the runtime takes to open a program, for a random model of width 64 with LoRA of rank 4
 *    on seven projections and a divergence, and how these grow with the nodes.
 * 2. memory: bytes that two runs take above the open session, and processor seconds of the second, for 8 blocks of width 512 and
 *    24 of width 256.
 *
 * Each program is opened in a process of its own. `--before` names another checkout of this repository, installed, whose
 * programs are opened in turn with ours. Linux only.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { randomModel } from './random-model.mjs'

const { values: options } = parseArgs({
  options: {
    before: { type: 'string' },
    blocks: { type: 'string', default: '6,12,24,36,48' },
    kinds: { type: 'string', default: 'sample,score,gradient,checkpointed,int4,int4 checkpointed' },
    part: { type: 'string' },
  },
})
const kinds = options.kinds.split(',')
const blockCounts = options.blocks.split(',').map(Number)
const root = mkdtempSync(join(tmpdir(), 'evolmm-opening-'))
const sides = { ...(options.before && { before: resolve(options.before) }), now: resolve('.') }
// The bundler is loaded, not bundled.
const { build } = createRequire(resolve('package.json'))('esbuild')
const scripts = {}
for (const [side, checkout] of Object.entries(sides)) {
  const vlm = createRequire(join(checkout, 'packages/vlm/package.json'))
  scripts[side] = join(root, `${side}.mjs`)
  await build({
    stdin: {
      contents: readFileSync('packages/vlm/bench/opening-run.mjs', 'utf8'),
      resolveDir: join(checkout, 'packages/vlm/bench'),
    },
    outfile: scripts[side],
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    plugins: [
      {
        name: 'native',
        setup: (bundler) =>
          bundler.onResolve({ filter: /^(onnxruntime-node|sharp)$/ }, ({ path }) => ({
            path: pathToFileURL(vlm.resolve(path)).href,
            external: true,
          })),
      },
    ],
    logLevel: 'error',
  })
}

const shapes = {
  64: { heads: 4, keyValueHeads: 2, inner: 160, sections: [2, 3, 3] },
  256: { heads: 4, keyValueHeads: 2, inner: 704, sections: [8, 12, 12] },
  512: { heads: 8, keyValueHeads: 2, inner: 1408, sections: [8, 12, 12] },
}

async function model(width, blocks) {
  const { heads, keyValueHeads, inner, sections } = shapes[width]
  const { folder } = await randomModel({
    vocab_size: 640,
    mrope_section: sections,
    text: {
      hidden_size: width,
      intermediate_size: inner,
      num_hidden_layers: blocks,
      num_attention_heads: heads,
      num_key_value_heads: keyValueHeads,
    },
    vision: {
      depth: 1,
      hidden_size: 32,
      intermediate_size: 72,
      num_heads: 2,
      window_size: 112,
      fullatt_block_indexes: [0],
    },
  })
  return folder
}

function measured(side, given) {
  const output = execFileSync(process.execPath, ['--expose-gc', scripts[side], JSON.stringify(given)], {
    encoding: 'utf8',
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(output.trim().split('\n').at(-1))
}

const cell = (values, digits) =>
  values
    .filter((value) => value !== undefined)
    .map((value) => value.toFixed(digits))
    .join(' → ')

async function opening() {
  const found = new Map(kinds.map((kind) => [kind, []]))
  for (const blocks of blockCounts) {
    const folder = await model(64, blocks)
    const given = { folder, cacheDir: join(folder, '..', 'cache'), promptWords: 8, newTokens: 4, samples: 2 }
    for (const kind of kinds) {
      const row = {}
      for (const side of Object.keys(sides)) row[side] = measured(side, { ...given, kind })
      found.get(kind).push({ blocks, ...row })
      console.error(`${blocks} blocks, ${kind}: ${cell([row.before?.seconds, row.now.seconds], 2)} s`)
    }
    rmSync(join(folder, '..'), { recursive: true })
  }
  console.log(`| processor seconds | ${blockCounts.join(' | ')} | exponent in nodes |`)
  console.log(`| --- |${' ---: |'.repeat(blockCounts.length + 1)}`)
  for (const [kind, rows] of found) {
    const seconds = rows.map(({ before, now }) => cell([before?.seconds, now.seconds], 2))
    const [first, last] = [rows.find(({ blocks }) => blocks >= 12) ?? rows[0], rows.at(-1)]
    const grown = (side) =>
      first[side] &&
      Math.log(last[side].seconds / first[side].seconds) / Math.log(last.now.nodes / first.now.nodes)
    console.log(`| ${kind} | ${seconds.join(' | ')} | ${cell([grown('before'), grown('now')], 2)} |`)
  }
}

async function memory() {
  console.log(
    '| memory above the open session, processor seconds of a run | 8 blocks of width 512 | 24 blocks of width 256 |',
  )
  console.log('| --- | ---: | ---: |')
  const folders = [await model(512, 8), await model(256, 24)]
  for (const kind of kinds) {
    const cells = folders.map((folder) => {
      const given = {
        folder,
        cacheDir: join(folder, '..', 'cache'),
        promptWords: 260,
        newTokens: 48,
        samples: 5,
      }
      const runs = Object.keys(sides).map((side) => measured(side, { ...given, kind }))
      const [bytes, seconds] = ['bytes', 'run'].map((field) => runs.map((run) => run[field]))
      return `${cell(
        bytes.map((each) => each / 1e6),
        0,
      )} MB, ${cell(seconds, 2)} s`
    })
    console.log(`| ${kind} | ${cells.join(' | ')} |`)
  }
  for (const folder of folders) rmSync(join(folder, '..'), { recursive: true })
}

if (options.part !== 'memory') await opening()
if (options.part !== 'opening') await memory()
rmSync(root, { recursive: true })
