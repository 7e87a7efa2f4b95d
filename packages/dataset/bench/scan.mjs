/**
 * Rate and peak memory of `scanImages` beside a plain `find ROOT -type f` over the same empty files.
 *
 * pnpm bench:dataset [--count=100000] [--per-folder=1000]
 * Both are run in turns with a warm file cache, each scan in a process of its own; the medians are printed.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { scanImages, shuffledOrder } from '@evolmm/dataset'
import { count, perFolder, rounds } from './scan.json'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: String(count) },
    'per-folder': { type: 'string', default: String(perFolder) },
    scan: { type: 'string' },
  },
})

if (values.scan === undefined) compare(Number(values.count), Number(values['per-folder']))
else await scanAlone(values.scan)

/** The child: one scan, its time and the peak memory of its process. */
async function scanAlone(root) {
  const start = performance.now()
  const { length } = await scanImages({ root })
  const seconds = (performance.now() - start) / 1000
  console.log(JSON.stringify({ length, seconds, megabytes: process.resourceUsage().maxRSS / 1024 }))
}

function compare(count, perFolder) {
  const root = mkdtempSync(join(tmpdir(), 'evolmm-bench-'))
  try {
    createFiles(root, count, perFolder)
    find(root)
    const scans = []
    const finds = []
    for (let round = 0; round < rounds; round++) {
      scans.push(
        JSON.parse(
          execFileSync('node', [fileURLToPath(import.meta.url), `--scan=${root}`], { encoding: 'utf8' }),
        ),
      )
      finds.push(find(root))
    }
    if (scans.some(({ length }) => length !== count)) throw new Error('the scan missed files')
    const scan = median(scans.map(({ seconds }) => seconds))
    const plain = median(finds)
    const megabytes = Math.max(...scans.map((result) => result.megabytes))
    const start = performance.now()
    shuffledOrder({ length: count, seed: 42, epoch: 0 })
    const shuffle = performance.now() - start
    console.log(`${count} files, ${perFolder} to a folder, median of ${rounds} rounds`)
    console.log(
      `scanImages   ${scan.toFixed(2)} s  ${perSecond(count, scan)} paths/s  peak ${megabytes.toFixed(0)} MB`,
    )
    console.log(`find -type f ${plain.toFixed(2)} s  ${perSecond(count, plain)} paths/s`)
    console.log(`ratio        ${(plain / scan).toFixed(2)} of find's rate`)
    console.log(`shuffling one epoch: ${shuffle.toFixed(0)} ms`)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function createFiles(root, count, perFolder) {
  let folder = root
  for (let i = 0; i < count; i++) {
    if (i % perFolder === 0) {
      folder = join(root, `folder_${String(i / perFolder).padStart(6, '0')}`)
      mkdirSync(folder)
    }
    closeSync(openSync(join(folder, `image_${String(i).padStart(8, '0')}.jpg`), 'w'))
  }
}

function find(root) {
  const start = performance.now()
  execFileSync('find', [root, '-type', 'f'], { stdio: ['ignore', 'ignore', 'inherit'] })
  return (performance.now() - start) / 1000
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
}

function perSecond(count, seconds) {
  return Math.round(count / seconds).toLocaleString('en')
}
