/** A file system that is really full at some place of a checkpoint: the run ends, and has the same bytes once there is room. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleScript, drawn, sizedTest } from '@evolmm/internal/testing'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { makeImages } from './support/tiny-run'

interface Outcome {
  end: string
  digests: Record<string, string>
  left: string[]
}

/** A checkpoint takes 65 pages of 4 KiB: with fewer free, the disk is full at one place of it or another. */
const pages = 64

/** What mounts it is seen by its own processes alone, and goes with them. */
const mounted = (mount: string, script: string, ...args: string[]) =>
  [
    'unshare',
    ['-rm', 'sh', '-c', `mount -t tmpfs -o size=64m tmpfs "$0" && ${script}`, mount, ...args],
  ] as const

let missing = process.platform === 'linux' ? undefined : 'only Linux has such file systems'
if (missing === undefined && spawnSync(...mounted(tmpdir(), 'true')).status !== 0)
  missing = 'no file system can be mounted here'

let home: string
let images: Awaited<ReturnType<typeof makeImages>>
let script: Awaited<ReturnType<typeof bundleScript>>
const title = 'a run on a small file system'
describe.skipIf(missing !== undefined)(
  missing === undefined ? title : `${title}, skipped: ${missing}`,
  () => {
    beforeAll(async () => {
      images = await makeImages(4)
      script = await bundleScript(new URL('support/small-disk-run.ts', import.meta.url))
      home = mkdtempSync(join(tmpdir(), 'evolmm-small-disk-'))
    })
    afterAll(async () => {
      script.remove()
      await images.remove()
      rmSync(home, { recursive: true })
    })

    /** The ends of one process after the other. */
    function play(...sizes: (number | undefined)[]): Outcome[] {
      const mount = join(home, 'disk')
      mkdirSync(mount, { recursive: true })
      const commands = sizes.map(
        (size) => `mount -o remount,size=64m "$0" && "$1" "$2" "$0" "$0/run" "$3" ${size ?? ''}`,
      )
      const all = mounted(mount, commands.join(' && '), process.execPath, script.file, images.folder)
      const lines = execFileSync(...all, { encoding: 'utf8' })
        .trim()
        .split('\n')
      return lines.map((line) => JSON.parse(line) as Outcome)
    }

    sizedTest(
      'ends with one typed error and goes on once there is room',
      { sizes: [0, 3, pages] },
      (sized) => {
        const [whole] = play(undefined)
        expect(whole).toMatchObject({ end: 'finished', left: [] })
        expect(Object.keys(whole.digests)).toHaveLength(3)
        const sizes = Array.from({ length: pages }, (_, i) => i)
        for (const size of drawn(sizes, sized))
          expect(play(size, undefined), `${size} pages`).toEqual([
            { end: 'UNWRITABLE_FILE', digests: {}, left: [] },
            whole,
          ])
      },
    )
  },
)
