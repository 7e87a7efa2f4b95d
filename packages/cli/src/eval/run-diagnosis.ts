/** `evolmm eval --diagnose N`: what sampling, agreement and blindness say about a model on some tasks. */
import { openRows } from '@evolmm/dataset'
import {
  diagnose,
  formatDiagnosis,
  questionSettings,
  taskQuestions,
  type Diagnosis,
  type Policy,
  type Task,
} from '@evolmm/eval'
import { optionsOf, partOf } from '@evolmm/settings'
import { EvolmmError } from '../errors'
import type { Context } from '../context'
import type { ProgressListeners } from '../progress'
import { openAdapter, withModel } from '../with-model'
import type { EvalRequest } from './eval-request'
import { dataOf, measuredModel, prepared, type PreparedTasks } from './prepare'

interface Diagnosed {
  revision: string
  judge: string | null
  diagnosis: Diagnosis
}

/** The exit code: 130 after Ctrl-C, which ends a diagnosis between two batches. */
export function runDiagnosis(context: Context, request: EvalRequest): Promise<number> {
  if (request.generation.until !== undefined)
    throw new EvolmmError(
      'INVALID_OPTION',
      'diagnose: must go without --gen_kwargs until, got both; what it finds is on standard output, as JSON with --json',
      { details: { option: 'diagnose' } },
    )
  return prepared(context, request, async (ready) => {
    const found = new Map<string, Diagnosed>()
    await withModel(context, request, async (vlm, progress) => {
      const policy = {
        sampler: measuredModel(vlm, request),
        adapter: await openAdapter(vlm, request, progress),
      }
      for (const task of ready.tasks)
        found.set(task.name, await diagnoseTask(context, request, { ...ready, task, policy, progress }))
    })
    show(context, request, found)
  })
}

async function diagnoseTask(
  context: Context,
  request: EvalRequest,
  {
    task,
    policy,
    progress,
    judge,
    signal,
  }: PreparedTasks & { task: Task; policy: Policy; progress: ProgressListeners },
): Promise<Diagnosed> {
  const { limit, offset, generation } = request
  const where = { ...dataOf(context, request, progress), signal }
  const data = await openRows(task.source, { columns: task.columns, ...where })
  await data.close()
  const total = Math.max(0, Math.min(limitedRows(limit, data.length), data.length - offset))
  const began = Date.now()
  const report = (allDone: number) => {
    const seconds = (Date.now() - began) / 1000
    const secondsLeft = allDone > 0 ? (seconds / allDone) * (total - allDone) : undefined
    progress.onRows({ task: task.name, done: allDone, total, allDone, allTotal: total, seconds, secondsLeft })
  }
  report(0)
  const diagnosis = await diagnose({
    questions: taskQuestions(task, {
      ...partOf(questionSettings, request),
      judge,
      data: where,
    }),
    ...policy,
    ...optionsOf({ samples: request.diagnose }),
    temperature: generation.temperature,
    top_p: generation.topP,
    max_new_tokens: generation.maxNewTokens ?? task.generation.maxNewTokens,
    batch_size: request.batch_size,
    signal,
    onProgress: report,
  })
  const judgeName = (task.judge ?? 'never') === 'never' ? null : (judge?.name ?? null)
  return { revision: data.revision, judge: judgeName, diagnosis }
}

function limitedRows(limit: number | null, length: number): number {
  if (limit === null) return length
  return limit < 1 ? Math.ceil(limit * length) : limit
}

function show({ stdout }: Context, request: EvalRequest, found: ReadonlyMap<string, Diagnosed>): void {
  const { mode } = request
  if (request.json) {
    const tasks = [...found].map(([task, { diagnosis, ...about }]) => ({
      ...{ task, mode, ...about },
      ...snakeCased(diagnosis),
    }))
    stdout.write(`${JSON.stringify({ tasks })}\n`)
    return
  }
  stdout.write(
    `${formatDiagnosis(Object.fromEntries([...found].map(([task, { diagnosis }]) => [task, diagnosis])))}\n`,
  )
  for (const [task, { revision, judge, diagnosis }] of found)
    stdout.write(
      `${task}: ${diagnosis.questions} rows${unasked(diagnosis)}, mode ${mode}, judge ${judge ?? 'none'}, revision ${revision}\n`,
    )
}

function unasked({ unasked: count = 0 }: Diagnosis): string {
  return count === 0 ? '' : ` and ${count} that could not be asked`
}

function snakeCased({ groups, blind, ...rest }: Diagnosis): Record<string, unknown> {
  return {
    ...rest,
    groups: groups.map(({ passMinusGreedy, ...group }) => ({ ...group, pass_minus_greedy: passMinusGreedy })),
    ...(blind && { blind: { accuracy: blind.accuracy, gap: blind.gap, same_answer: blind.sameAnswer } }),
  }
}
