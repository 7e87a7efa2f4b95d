/**
 * A process of its own that trains on a file system that is made so small after the second iteration that so many pages of
 * 4 KiB are free, or is left as it is: node small-disk-run.mjs MOUNT FOLDER IMAGES [PAGES]. It writes how it ended as a line
 * of JSON, with digests of the last checkpoint if it came to its end.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EvolmmError, train } from '../../src/index'
import { tinyTrain } from './tiny-train'

const [mount, folder, images, pages = ''] = process.argv.slice(2)
const steps = 4

function shrink(): void {
  const { bsize, blocks, bfree } = statfsSync(mount)
  const size = (blocks - bfree) * bsize + Number(pages) * 4096
  execFileSync('mount', ['-o', `remount,size=${size}`, mount])
}

/** The weights of both roles and the moments; other files have times in them. */
function digests(): Record<string, string> {
  const last = join(folder, `step_${String(steps).padStart(5, '0')}`)
  const names = readdirSync(last, { recursive: true, encoding: 'utf8' }).sort()
  const vectors = names.filter((name) => name.endsWith('.safetensors') && statSync(join(last, name)).isFile())
  return Object.fromEntries(
    vectors.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(last, name)))
        .digest('hex'),
    ]),
  )
}

const outcome = await train({
  ...tinyTrain(folder, images, { save_every: 1, total_steps: steps }),
  onRecord: ({ step }) => {
    if (pages !== '' && step === 2) shrink()
  },
}).then(
  ({ status }) => ({ end: status, digests: digests() }),
  (error: unknown) => {
    if (error instanceof EvolmmError) return { end: error.code, digests: {} }
    throw error
  },
)
const left = readdirSync(folder).filter((name) => name.startsWith('.'))
process.stdout.write(`${JSON.stringify({ ...outcome, left })}\n`)
