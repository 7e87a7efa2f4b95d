/** The curves of the report in the order of the page, in words for somebody who sees them for the first time. */
import type { Alarm } from '@evolmm/rl-core'
import type { MeasureName } from './measures'

export type Role = 'solver' | 'proposer' | 'probe'

export interface ChartPlan {
  title: string
  /** What it means and what to look for. */
  note: string
  lines: { measure: MeasureName; role: Role; label: string }[]
  /** Values that the axis shows at least. */
  span?: readonly [number, number]
  /** Powers of ten when the values need it. */
  mayBeLog?: boolean
  /** Show how far values are spread; of things that happen or not, only the rate says something. @default true */
  band?: boolean
  alarm?: Alarm
}

export interface SectionPlan {
  title: string
  lead: string
  charts: ChartPlan[]
}

const share = [0, 1] as const

export const sections: SectionPlan[] = [
  {
    title: 'Do the answers agree?',
    lead: 'The same question is answered several times. Agreement is what the model is rewarded for, so it should rise; whether the answers are right is another matter.',
    charts: [
      {
        title: 'Agreement',
        note: 'Share of the answers that are the most frequent one. It rises when answers become consistent, in right ones and in wrong ones alike.',
        lines: [{ measure: 'agreement', role: 'solver', label: 'solver' }],
        span: share,
      },
      {
        title: 'Disagreement, as entropy',
        note: 'In nats: 0 when all answers are equal, more when they are split. Once it stays at 0 there is nothing left to learn from.',
        lines: [{ measure: 'answerEntropy', role: 'solver', label: 'solver' }],
        span: [0, 1],
        alarm: 'entropy',
      },
      {
        title: 'Same answer, whatever the picture',
        note: 'How often one question text gets its most frequent answer. A climb far above the start is the clearest sign of collapse, and agreement does not show it.',
        lines: [{ measure: 'topAnswerShare', role: 'solver', label: 'solver' }],
        span: share,
        alarm: 'constant-answers',
      },
    ],
  },
  {
    title: 'What is rewarded',
    lead: 'The solver earns for agreeing with itself. The proposer earns for questions that divide the solver without leaving it lost.',
    charts: [
      {
        title: 'Reward of the solver',
        note: 'Mean over the answers. If all of them earn the same for a long time, the model no longer learns.',
        lines: [{ measure: 'solverReward', role: 'solver', label: 'solver' }],
        span: share,
        alarm: 'reward-variance',
      },
      {
        title: 'Reward of the proposer',
        note: 'Mean over the questions. It falls by itself as the solver becomes sure; a steep rise can mean unanswerable questions.',
        lines: [{ measure: 'proposerReward', role: 'proposer', label: 'proposer' }],
        span: share,
      },
      {
        title: 'What did not count',
        note: 'Answers without a readable result, which never vote, and questions that were not asked. Both should stay near 0.',
        lines: [
          { measure: 'invalidShare', role: 'solver', label: 'answers' },
          { measure: 'rejectedShare', role: 'proposer', label: 'questions' },
        ],
        span: [0, 0.1],
        band: false,
      },
    ],
  },
  {
    title: 'How far from the start',
    lead: 'A penalty keeps both roles near the model they began as. Too strong, and nothing changes; too weak, and the language comes apart.',
    charts: [
      {
        title: 'Distance from the start (KL)',
        note: 'In nats per token. A slow climb that levels off is healthy; a jump is not.',
        lines: [
          { measure: 'solverKl', role: 'solver', label: 'solver' },
          { measure: 'proposerKl', role: 'proposer', label: 'proposer' },
        ],
        span: [0, 0.01],
        alarm: 'kl',
      },
      {
        title: 'Pull back to the start (beta)',
        note: 'The weight of that distance in the loss. If it adapts, look for swings over several powers of ten: they undo what was learned.',
        lines: [
          { measure: 'solverBeta', role: 'solver', label: 'solver' },
          { measure: 'proposerBeta', role: 'proposer', label: 'proposer' },
        ],
        mayBeLog: true,
      },
      {
        title: 'How the first model finds the questions',
        note: 'Log-probability per token of new questions under the proposer of the start. A fall means questions that it would never have asked.',
        lines: [{ measure: 'questionLogProbability', role: 'proposer', label: 'proposer' }],
        alarm: 'unlikely-questions',
      },
    ],
  },
  {
    title: 'How much is written',
    lead: 'Lengths should settle. Shrinking to almost nothing or growing to the limit are both shortcuts.',
    charts: [
      {
        title: 'Length of an answer',
        note: 'In tokens, reasoning included. A jump to the limit means that answers are cut off.',
        lines: [{ measure: 'answerTokens', role: 'solver', label: 'solver' }],
        span: [0, 10],
      },
      {
        title: 'Words before the answer',
        note: 'What the solver writes before it commits itself. Beyond a limit it costs a little reward.',
        lines: [{ measure: 'wordsBefore', role: 'solver', label: 'solver' }],
        span: [0, 4],
      },
      {
        title: 'Length of a question',
        note: 'All that the proposer writes, in tokens, markup included.',
        lines: [{ measure: 'proposerTokens', role: 'proposer', label: 'proposer' }],
        span: [0, 10],
      },
    ],
  },
  {
    title: 'The machinery',
    lead: 'For those who tune: these say whether the steps are sound, not whether the model is good.',
    charts: [
      {
        title: 'Likelihood of what was learned from',
        note: 'Mean negative log-likelihood in nats per token: how surprised the model is by its own samples.',
        lines: [
          { measure: 'solverCe', role: 'solver', label: 'solver' },
          { measure: 'proposerCe', role: 'proposer', label: 'proposer' },
        ],
        span: [0, 0.1],
      },
      {
        title: 'Length of the gradient',
        note: 'Before clipping. Rare peaks are normal, a steady climb is not.',
        lines: [
          { measure: 'solverGradient', role: 'solver', label: 'solver' },
          { measure: 'proposerGradient', role: 'proposer', label: 'proposer' },
        ],
        mayBeLog: true,
      },
      {
        title: 'Sampler against learner',
        note: 'Largest difference of their log-probabilities for one token. Rounding, as long as it stays tiny.',
        lines: [
          { measure: 'solverGap', role: 'solver', label: 'solver' },
          { measure: 'proposerGap', role: 'proposer', label: 'proposer' },
        ],
        mayBeLog: true,
      },
    ],
  },
]

/** Alarms in words. */
export const alarmTexts: Readonly<Record<Alarm, { title: string; note: string }>> = {
  entropy: {
    title: 'Answers hardly differ any more',
    note: 'Their entropy has been next to 0 for many iterations: there is little left to learn from.',
  },
  'reward-variance': {
    title: 'All rewards are equal',
    note: 'For many iterations nothing was better than anything else, so nothing was learned.',
  },
  'constant-answers': {
    title: 'The same answers, whatever the picture',
    note: 'One answer has taken over some questions. Agreement looks good then, and the model does not look.',
  },
  kl: {
    title: 'Far from the start',
    note: 'A policy has moved a long way from the model it began as.',
  },
  'unlikely-questions': {
    title: 'Questions that the first model would hardly ask',
    note: 'The proposer may have found a way to earn reward without asking anything sensible.',
  },
}
