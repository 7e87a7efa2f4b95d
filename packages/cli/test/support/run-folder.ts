/** The folder of a run that has only begun: a `run.json` and an empty log. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunFile } from '@evolmm/runs'

export function writeRun(folder: string): void {
  const run: RunFile = {
    schema_version: 1,
    name: 'charts',
    started: '2026-03-02T09:30:00.000Z',
    versions: { evolmm: '1.2.3', node: '22.1.0', onnxruntime: '1.30.0' },
    config: { total_steps: 100 },
    identity: {},
    images: { root: '/data/charts', count: 12 },
    probe: null,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'run.json'), JSON.stringify(run))
  writeFileSync(join(folder, 'iter_log.jsonl'), '')
}
