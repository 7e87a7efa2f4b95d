/** The flags that several commands share, and how values are read. Names are as they appear in `--help`. */
import { type Command, Option } from 'commander'
import { checkOneOf, EvolmmError, parseInteger, parseNumber } from '@evolmm/internal'
import { devices, dtypes, quantizations, type Device, type Dtype, type Quantization } from './library'

export interface ModelFlags {
  model: string
  revision?: string
  device?: Device
  dtype?: Dtype
  quantize?: Quantization
  threads?: number
  cache_dir?: string
}

export interface AdapterFlags {
  adapter?: string
  adapter_subfolder?: string
}

export interface PromptFlags extends ModelFlags, AdapterFlags {
  image?: string[]
  prompt: string
  system?: string
  min_pixels?: number
  max_pixels?: number
}

export function addModelFlags(command: Command): Command {
  command.optionsGroup('Model:')
  return command
    .option(
      '--model <dir_or_id>',
      'folder of a checkpoint, or ORG/NAME[@revision] on the hub',
      text('--model'),
    )
    .option('--revision <name>', 'branch, tag or commit on the hub (default: main)', text('--revision'))
    .option('--device <name>', `where to compute: ${devices.join(', ')}`, oneOf('--device', devices))
    .option('--dtype <name>', `what to compute in: ${dtypes.join(', ')}`, oneOf('--dtype', dtypes))
    .option(
      '--quantize <name>',
      `hold the matrices of linear modules in 4 bits: ${quantizations.join(', ')} (default: none)`,
      oneOf('--quantize', quantizations),
    )
    .option('--threads <n>', "threads on the CPU (default: the runtime's choice)", integer('--threads', 1))
    .option(
      '--cache_dir <dir>',
      'where widened and quantized weights are kept (default: ~/.cache/evolmm/weights)',
      text('--cache_dir'),
    )
}

export function addPromptFlags(command: Command): Command {
  command.optionsGroup('Prompt:')
  addImageFlag(command)
    .option('--prompt <text>', 'what the user says')
    .option('--system <text>', "system message (default: the chat template's)")
  addPixelFlags(command)
  return addAdapterFlags(command)
}

export function addImageFlag(command: Command): Command {
  return command.option('--image <file...>', 'images, in the order in which the model sees them', images)
}

export function addPixelFlags(command: Command): Command {
  return command
    .option(
      '--min_pixels <n>',
      "area to which smaller images are enlarged (default: the checkpoint's)",
      integer('--min_pixels', 1),
    )
    .option(
      '--max_pixels <n>',
      "area to which larger images are reduced (default: the checkpoint's)",
      integer('--max_pixels', 1),
    )
}

export function addAdapterFlags(command: Command): Command {
  command.optionsGroup('Adapter:')
  return command
    .option('--adapter <dir_or_id>', 'LoRA adapter in the PEFT layout (default: none)', text('--adapter'))
    .option('--adapter_subfolder <name>', 'folder of a named adapter in it', text('--adapter_subfolder'))
}

/** These flags say how results are written; `json` says what they are as JSON. */
export function addOutputFlags(command: Command, json?: string): Command {
  command.optionsGroup('Output:')
  if (json !== undefined)
    command.option('--json', json).addOption(new Option('--no-json', 'for people').hideHelp())
  return addCommonFlags(command)
}

/** Those of every command, without one as well. */
export function addCommonFlags(command: Command): Command {
  return command
    .option('--debug', 'show where an error comes from (or set EVOLMM_DEBUG=1)')
    .addOption(new Option('--no-debug', 'do not').hideHelp())
    .helpOption('-h, --help', 'show this help')
}

/** The check comes after unknown flags were named, since a mistyped one is why another seems to be missing. */
export function requireFlags(command: Command, ...names: readonly string[]): void {
  for (const name of names)
    if (command.getOptionValue(name) === undefined)
      throw new EvolmmError(
        'INVALID_OPTION',
        `--${name}: must be given, got nothing; see evolmm ${command.name()} --help`,
      )
}

export function integer(flag: string, min: number): (value: string) => number {
  return (value) => parseInteger(flag, value, { min })
}

export function number(flag: string, range: Parameters<typeof parseNumber>[2]): (value: string) => number {
  return (value) => parseNumber(flag, value, range)
}

export function oneOf<const T extends string>(flag: string, allowed: readonly T[]): (value: string) => T {
  return (value) => checkOneOf(flag, value, allowed)
}

export function text(flag: string): (value: string) => string {
  return (value) => {
    if (value.trim() !== '') return value
    throw new EvolmmError(
      'INVALID_OPTION',
      `${flag}: must be given a value, got an empty text; give it or leave the flag out`,
    )
  }
}

function images(value: string, previous: readonly string[] = []): string[] {
  return [...previous, text('--image')(value)]
}
