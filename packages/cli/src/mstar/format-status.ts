/** What the folder of a run holds, for people. */
import type { FileStatus, LoopStatus, MstarStatus, RewardModelStatus, Share } from '@evolmm/mstar'
import { oneLine } from '../texts'

const phases: Readonly<Record<LoopStatus['phase'], string>> = {
  generate: 'generating',
  sweep: 'choosing a temperature',
  learn: 'learning',
  monitor: 'watching',
  finished: 'finished',
}

export function formatStatus({ loop, rewardModel, rollouts, lessons }: MstarStatus): string {
  const rows = [
    ...(loop === null ? [] : loopRows(loop)),
    ...(rewardModel === null ? [] : rewardRows(rewardModel)),
    ...rollouts.map((file) => fileRow('answers', file)),
    ...lessons.map((file) => fileRow('lessons', file)),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}

type Row = readonly [name: string, value: string]

function loopRows({ phase, cycle, step, steps, temperature, alpha, generated, dynamics }: LoopStatus): Row[] {
  const share = (value: number) => value.toFixed(3)
  return [
    ['phase', `${phases[phase]}, cycle ${cycle}`],
    ['step', `${step} of ${steps}`],
    ...(temperature === null ? [] : [['temperature', String(temperature)] as const]),
    ...(alpha === null ? [] : [['threshold', String(alpha)] as const]),
    ...(generated === null
      ? []
      : [
          [
            `kept, cycle ${generated.cycle}`,
            `${generated.kept} of ${generated.answers} answers, ${share(generated.right)} right`,
          ] as const,
        ]),
    ...(dynamics === null
      ? []
      : [
          [
            `validation, cycle ${dynamics.cycle}`,
            `greedy ${share(dynamics.greedy)}, majority ${share(dynamics.majority)}, headroom ${share(dynamics.headroom)}`,
          ] as const,
        ]),
  ]
}

function rewardRows({ answered, labelled, learned, report }: RewardModelStatus): Row[] {
  const share = (part: Share | null) => (part === null ? 'none' : `${part.done} of ${part.of}`)
  const figure = (value: number | null) => (value === null ? 'none' : value.toFixed(3))
  return [
    [
      'reward model',
      `${share(answered)} questions answered, ${share(labelled)} labelled, step ${share(learned)}`,
    ],
    ...(report === null
      ? []
      : [
          [
            'reward model, held out',
            `AUC of steps ${figure(report.stepAuc)}, of answers ${figure(report.answerAuc)}, calibration error ${figure(report.calibration.error)}`,
          ] as const,
        ]),
  ]
}

function fileRow(kind: string, { name, written, of }: FileStatus): Row {
  const questions = kind === 'answers' ? ' questions' : ''
  return [
    `${kind} ${oneLine(name)}`,
    `${written}${of === null || of === written ? '' : ` of ${of}`}${questions}`,
  ]
}
