/** `evolmm sync`: what a run could not, or should not, send to Weights & Biases. */
import { syncWandb, type SyncedWandb } from '@evolmm/runs'
import { optionsOf, schema } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { EvolmmError } from '../errors'
import { painter, type Context } from '../context'
import { oneLine } from '../texts'
import { addSettingsCommand, type CommandHost } from '../settings-command'

const syncSettings = schema({
  name: 'an upload',
  groups: {
    'Weights & Biases': {
      wandb_entity: {
        ...evolmmSettings.rows.wandb_entity,
        help: 'user or team, for a run that was never online',
      },
    },
  },
})

const examples = `
Examples:
  $ WANDB_API_KEY=... evolmm sync runs/charts
  $ evolmm sync runs/charts --wandb_entity my-team --json

For runs of "evolmm train --wandb_mode offline", and of online ones that lost
their connection. The same command continues where it stopped; nothing is sent
twice. The key comes from WANDB_API_KEY (or ~/.netrc) and the server from
WANDB_BASE_URL. This speaks the protocol of W&B's own client, unofficially.`

export function addSync(host: CommandHost): void {
  addSettingsCommand(host, 'sync', {
    usage: '<run> [options]',
    summary: 'upload a run to Weights & Biases',
    description: 'Uploads what a run has logged to Weights & Biases, as far as it is not there.',
    examples,
    schema: syncSettings,
    json: 'the outcome as JSON',
    addArguments: (command) => command.argument('[run]', 'folder of the run, with wandb.json'),
    run: (context, { settings }, { json, args: [folder = ''] }) => {
      if (folder === '')
        throw new EvolmmError(
          'INVALID_OPTION',
          'sync: must be given the folder of a run, got nothing; write evolmm sync runs/NAME',
        )
      return sync(context, folder, { entity: settings.wandb_entity, json })
    },
  })
}

/** The exit code: 130 after Ctrl-C. */
async function sync(
  context: Context,
  folder: string,
  { entity, json }: { entity: string | null; json: boolean },
): Promise<number> {
  const { stdout, stderr, environment } = context
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    const synced = await syncWandb(folder, {
      environment,
      ...optionsOf({ entity }),
      signal,
      onWarning: (message) =>
        stderr.write(`${painter(context, stderr)('yellow', 'warning:')} ${oneLine(message)}\n`),
    })
    stdout.write(json ? toJson(synced) : `${synced.url}\n`)
    if (!json) stderr.write(`${synced.uploaded} of ${synced.steps} steps uploaded now\n`)
    return 0
  } catch (error) {
    if (!signal.aborted) throw withoutKey(error)
    stderr.write('stopped; the same command continues from here\n')
    return 130
  } finally {
    undo()
  }
}

/** Whoever runs this need not be told that there is an offline mode. */
function withoutKey(error: unknown): unknown {
  if (!(error instanceof EvolmmError) || error.code !== 'WANDB_KEY_MISSING') return error
  return new EvolmmError(
    error.code,
    `${error.message.slice(0, error.message.indexOf(';'))}; set WANDB_API_KEY`,
    {
      cause: error,
    },
  )
}

function toJson({ runId, url, steps, uploaded }: SyncedWandb): string {
  return `${JSON.stringify({ run_id: runId, url, steps, uploaded })}\n`
}
