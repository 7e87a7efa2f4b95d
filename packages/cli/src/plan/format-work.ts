/** What a run of M-STaR asks and writes, for people. */
import { counted, formatBytes } from '@evolmm/internal'
import type { MstarPlan } from '@evolmm/plan'

type PlannedWork = MstarPlan['work']

const answerNames: Record<keyof PlannedWork['answers'], string> = {
  generate: 'to learn from',
  monitor: 'to watch',
  sweep: 'to choose temperatures',
}

const diskNames: Record<keyof PlannedWork['disk'], string> = {
  rollouts: 'answers to learn from',
  monitor: 'answers to watch',
  sweep: 'answers of temperatures',
  checkpoints: 'checkpoints',
  model: 'model at the end',
  log: 'log and curves',
}

export function formatWork({
  work,
  settings,
  survey,
}: Pick<MstarPlan, 'work' | 'settings' | 'survey'>): string {
  const { cycles, kept, answers, disk, right } = work
  const steps = Math.ceil(kept / settings.batch_size)
  const files = [
    counted(survey.questions, 'question'),
    ...(survey.validation > 0 ? [`${count(survey.validation)} of validation`] : []),
    ...(survey.unlabelled > 0 ? [`${count(survey.unlabelled)} without labels`] : []),
  ]
  return [
    `${files.join(', ')}. If ${Math.round(100 * right)} % of the answers are right, a cycle learns ${counted(kept, 'answer')} in ${counted(steps, 'step')}, and there are ${counted(cycles, 'cycle')}.`,
    '',
    ...table('Answers to generate', answerNames, answers, count),
    '',
    ...table(`On disk, if each has ${count(settings.max_new_tokens)} tokens`, diskNames, disk, formatBytes),
    '',
  ].join('\n')
}

function table<N extends string>(
  title: string,
  names: Record<N, string>,
  values: Record<N, number>,
  format: (value: number) => string,
): string[] {
  const rows = (Object.keys(names) as N[]).map((name) => [names[name], values[name]] as const)
  const total = rows.reduce((sum, [, value]) => sum + value, 0)
  const lines = [...rows, ['total', total] as const].map(
    ([name, value]) => `  ${name.padEnd(24)}${format(value).padStart(14)}`,
  )
  return [title, ...lines]
}

const count = (value: number) => Math.round(value).toLocaleString('en')
