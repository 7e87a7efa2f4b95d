/** `evolmm plan mstar`: what a run of M-STaR takes, from the configuration of its model and numbers of questions alone. */
import {
  assumeQuestions,
  mstarRows,
  mstarSettings,
  surveyQuestions,
  type MstarSettings,
  type QuestionsSurvey,
} from '@evolmm/mstar'
import { largestSize, memoryLimits, planGraphs, planMstar } from '@evolmm/plan'
import { bytes, integer, schema, type SourcesRead, type ValuesOf } from '@evolmm/settings'
import { chooseDevice, parseDevice } from '@evolmm/vlm'
import { pathKind } from '../check-paths'
import type { Context } from '../context'
import { EvolmmError } from '../errors'
import { assumedRight } from '../mstar/assumed-right'
import { formatGraphs } from '../plan/format-graphs'
import { formatMstarPlan, mstarReport } from '../plan/mstar-report'
import { imageSizeIn, planRows } from '../plan/plan-rows'
import { showProgress } from '../progress'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { hubOptions } from '../with-model'

const examples = `
Examples:
  $ evolmm plan mstar --model 7B --device cuda --memory 80GB --use_lora \\
      --questions 180000 --validation_questions 250
  $ evolmm plan mstar --config run/run.json --questions_per_run 4

Takes the settings of mstar from the same sources. Of the model config.json is
enough; a published size (3B, 7B, 32B, 72B) needs no file at all. With
--questions no file of questions is read: each is about one image, as large as
--image_size says, in some 80 words. How many cycles there are depends on how
many answers are right; --assumed_right says what is taken for granted.`

const { Questions, Output } = mstarRows

/** Those of a run, of which two need not be given. */
const planned = schema({
  ...mstarSettings,
  groups: {
    ...mstarRows,
    Questions: { ...Questions, data: { ...Questions.data, default: 'questions.jsonl', required: false } },
    Output: { ...Output, output_dir: { ...Output.output_dir, default: 'run', required: false } },
  },
})

const flags = schema({
  name: 'evolmm plan mstar',
  groups: {
    Plan: {
      ...planRows,
      questions: integer(null, 'number of questions, where their file is not read', {
        min: 1,
        otherwise: 'those of the file',
        identity: false,
      }),
      validation_questions: integer(0, 'number of validation questions then', { min: 0, identity: false }),
      unlabelled_questions: integer(0, 'number of questions without labels then', {
        min: 0,
        identity: false,
      }),
      memory: bytes(null, 'memory of the machine, such as 80GB', {
        value: 'bytes',
        otherwise: 'what this one has',
        identity: false,
      }),
      assumed_right: assumedRight,
    },
  },
})

type Flags = ValuesOf<typeof flags>

export function addPlanMstar(host: CommandHost): void {
  addSettingsCommand(host, 'mstar', {
    usage: '--model <dir_or_id> [options]',
    summary: 'say what a run of mstar would take',
    description:
      'Says what a run of mstar would take: memory by kind and by phase, answers to generate, and room on disk.',
    examples,
    schema: planned,
    json: 'the same as JSON',
    own: flags,
    run: plan,
  })
}

async function plan(
  context: Context,
  { settings }: SourcesRead<typeof planned.rows>,
  given: Flags & { json: boolean },
): Promise<undefined> {
  const progress = showProgress(context)
  const { kind } = parseDevice(settings.device)
  const device = kind === 'auto' ? (await chooseDevice()).device : kind
  const survey = await surveyOf(settings, given)
  const plan = await planMstar(settings, {
    ...{ device, survey, right: given.assumed_right },
    hub: hubOptions(progress),
  })
  progress.clear()
  const { memory: limit } = given
  const limits =
    device !== 'cpu' && limit !== null
      ? { device: limit }
      : await memoryLimits({ settings: { memory_limit: limit, device: settings.device }, device })
  const report = mstarReport(plan, { image: largestSize(plan, survey.sizes), limits })
  const programs = given.programs ? planGraphs(plan) : undefined
  const shown = programs === undefined ? '' : `${formatGraphs(programs, { tensors: true })}\n`
  context.stdout.write(
    given.json
      ? `${JSON.stringify({ ...report, ...(programs && { programs }) })}\n`
      : `${shown}${formatMstarPlan(plan, report)}`,
  )
  return undefined
}

async function surveyOf(
  settings: MstarSettings,
  { image_size: said, questions, validation_questions, unlabelled_questions }: Flags,
): Promise<QuestionsSurvey> {
  const size = said === null ? undefined : imageSizeIn(said)
  if (questions !== null) {
    const counts = { questions, validation: validation_questions, unlabelled: unlabelled_questions }
    const side = settings.max_pixels === null ? 896 : Math.ceil(Math.sqrt(settings.max_pixels))
    return { ...assumeQuestions(settings, counts), sizes: [size ?? { width: side, height: side }] }
  }
  if ((await pathKind(settings.data)) !== 'a file')
    throw new EvolmmError(
      'INVALID_OPTION',
      `--questions: must say how many there are, or --data name their file, got neither, and no ${settings.data}; give one of them`,
    )
  const found = await surveyQuestions(settings)
  return size === undefined ? found : { ...found, sizes: [size] }
}
