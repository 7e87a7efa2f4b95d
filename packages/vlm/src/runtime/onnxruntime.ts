/**
 * The runtime, quietly. By itself onnxruntime-node keeps an id and a queue of events in the user's cache folder and tries
 * to send them; it reads this variable when the first session is made. Whoever wants that sets it to 0.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1'

export { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
