/** The part of sherpa-onnx that is used; the package brings no types. It is CommonJS. */
declare module 'sherpa-onnx-node' {
  interface VadConfig {
    readonly sileroVad: {
      readonly model: string
      readonly threshold: number
      /** Seconds; 0 stands for the default. */
      readonly minSilenceDuration: number
      readonly minSpeechDuration: number
      readonly maxSpeechDuration: number
      readonly windowSize: number
    }
    readonly sampleRate: number
    readonly numThreads: number
    readonly provider: 'cpu'
    readonly debug: 0 | 1
  }
  class Vad {
    constructor(config: VadConfig, bufferSizeInSeconds: number)
    acceptWaveform(samples: Float32Array): void
    isDetected(): boolean
    flush(): void
    clear(): void
    reset(): void
  }
  const sherpa: { readonly Vad: typeof Vad }
  export default sherpa
}
