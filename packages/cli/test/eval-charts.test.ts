import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { library } from '../src/installed-library'
import { drawChart, writeChartLines, writeChartParquet } from './support/charts'
import { learnCharts } from './support/learn-charts'
import { runCommand } from './support/run-command'

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
test('try', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-x-'))
  const charts = await Promise.all(Array.from({ length: 10 }, (_, i) => drawChart(i)))
  const file = writeChartLines(folder, charts)
  await writeChartParquet(folder, charts)
  console.time('learn')
  await learnCharts(model, charts.slice(0, 5), join(folder, 'solver'))
  console.timeEnd('learn')
  for (const [name, ...flags] of [['base'], ['solver', '--adapter', join(folder, 'solver')]]) {
    console.time('run')
    console.log(
      await runCommand(
        ['eval', '--model', model, '--tasks', `chartqa,${file}`, '--scorer', 'exact', '--data_dir', folder, '--batch_size', '4', ...flags, '--output_path', join(folder, name)],
        { library },
      ),
    )
    console.timeEnd('run')
    console.log(readFileSync(join(folder, 'charts.jsonl'), 'utf8').slice(0, 300))
  }
  console.log((await runCommand(['eval', '--compare', join(folder, 'base'), join(folder, 'solver')], { library })))
  rmSync(folder, { recursive: true })
})
