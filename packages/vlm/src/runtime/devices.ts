/**
 * A choice says which device programs run on, and in which type the weights are held there.
 *
 * `auto` takes CUDA if it starts, else the CPU. It never takes WebGPU: a software driver counts as one and is far slower
 * than the CPU, and nothing tells the two apart beforehand. Who wants it says so.
 *
 * `dtype` is what weights occupy in the device's memory. Products with them are of that type, everything else (adapters,
 * gradients, norms, attention, losses) is float32. The CPU holds float32 alone, which it maps from a file: checkpoints of 16 bits are widened once by themselves, so
 * asking for 16 bits there is an error when the CPU was asked for too, while `auto`, which may end on any device,
 * understands it as a wish and says in the result what it became. WebGPU has no bfloat16,
 * with the same rule, and float16 only with some drivers.
 */
import { checkNames, checkOneOf, floatTypes } from '@evolmm/internal'
import type { FloatType } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import { parseDevice, type DeviceName } from './device-name'
import { nativeRuntime, type NativeRuntime, type Provider } from './native-runtime'
import { providerOf, providerStatus, reasonOf, type Device } from './provider-status'

export interface DeviceOptions {
  /** `cuda:1` is the second card that CUDA shows to this process. @default 'auto' */
  device?: DeviceName | undefined
  /** Type of the weights in the device's memory. @default 'float32' */
  dtype?: FloatType | undefined
}

export interface DeviceChoice {
  device: Device
  /** Providers for the runtime, first choice first; what the first has no kernel for runs on the CPU. */
  providers: readonly Provider[]
  dtype: FloatType
}

const held: Record<Device, readonly FloatType[]> = {
  cpu: ['float32'],
  cuda: floatTypes,
  webgpu: ['float32', 'float16'],
}

/** Throws `DEVICE_UNAVAILABLE`, `UNSUPPORTED_DTYPE` or `INVALID_OPTION`. */
export async function chooseDevice(
  options: DeviceOptions = {},
  runtime: NativeRuntime = nativeRuntime(),
): Promise<DeviceChoice> {
  checkNames('chooseDevice', options, { device: true, dtype: true })
  const { kind: requested, card } = parseDevice(options.device ?? 'auto')
  const dtype = checkOneOf('dtype', options.dtype ?? 'float32', floatTypes)
  if (requested === 'auto') {
    const { usable } = await providerStatus('cuda', runtime)
    if (!usable) return choice('cpu', 'float32', 0)
    await checkType('cuda', dtype, { card, runtime })
    return choice('cuda', dtype, card)
  }
  if (!held[requested].includes(dtype))
    throw new EvolmmError(
      'UNSUPPORTED_DTYPE',
      `dtype: must be ${held[requested].join(' or ')} on ${requested}, got ${dtype}; leave it out (weights stored in 16 bits ` +
        'are widened by themselves), or choose device cuda',
      { details: { device: requested, dtype } },
    )
  const { missing } = await providerStatus(requested, runtime, card)
  if (missing !== undefined)
    throw new EvolmmError(
      'DEVICE_UNAVAILABLE',
      `device ${options.device ?? requested}: must be usable by onnxruntime-node, got ${missing.what}; ${missing.fix}`,
      { details: { device: requested, ...missing } },
    )
  await checkType(requested, dtype, { card, runtime })
  return choice(requested, dtype, card)
}

/** Throws unless the card and its driver can multiply numbers of that type. */
async function checkType(
  device: Device,
  dtype: FloatType,
  { card, runtime }: { card: number; runtime: NativeRuntime },
): Promise<void> {
  if (dtype === 'float32') return
  await runtime.start(providerOf(device, card), dtype).catch((cause: unknown) => {
    throw new EvolmmError(
      'UNSUPPORTED_DTYPE',
      `dtype ${dtype}: must be a type that the ${device} device of this machine can multiply, got ` +
        `"${reasonOf(cause)}" from the runtime; choose dtype float32`,
      { details: { device, dtype }, cause },
    )
  })
}

function choice(device: Device, dtype: FloatType, card: number): DeviceChoice {
  return { device, dtype, providers: device === 'cpu' ? ['cpu'] : [providerOf(device, card), 'cpu'] }
}
