// Errors of the SDK: every one says why (`reason`, stable), in words (`detail`) and what to do (`cure`).

/** A problem document as the gateway sends it (RFC 9457). */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail?: string;
  cure?: string;
  field?: string;
  retry_after_s?: number;
}

const PREFIX = 'urn:rtcdn:problem:';

/**
 * What went wrong. `reason` is the kind of the gateway's problem (`wrong-role`, `stage-full`, ...), or one of ours:
 * `transport` (no gateway answers), `timeout`, `reconnecting`, `closed`, `bad-token`, `bad-url`, `not-on-stage`, or a
 * `MediaReason`.
 */
export class RtcdnError extends Error {
  override readonly name: string = 'RtcdnError';

  constructor(
    readonly reason: string,
    readonly detail: string,
    readonly cure = '',
    readonly status = 0,
    readonly retryAfterS = 0,
    /** The field of the request that was wrong, where the gateway names one. */
    readonly field = '',
  ) {
    super(`${reason}: ${detail}`);
  }

  /** The error of a problem document. */
  static of(problem: ProblemDocument): RtcdnError {
    const reason = problem.type.startsWith(PREFIX) ? problem.type.slice(PREFIX.length) : problem.type;
    const {title, detail = '', cure = '', status, retry_after_s: retryAfterS = 0, field = ''} = problem;
    return new RtcdnError(reason, detail || title, cure, status, retryAfterS, field);
  }
}

/** Why a camera, a microphone or a screen cannot be used. */
export type MediaReason =
  | 'media-denied'
  | 'media-missing'
  | 'media-busy'
  | 'media-insecure'
  | 'media-gone'
  | 'media-failed';

/** A camera, microphone or screen cannot be used; `device` says which. */
export class MediaProblem extends RtcdnError {
  override readonly name = 'MediaProblem';

  constructor(
    override readonly reason: MediaReason,
    readonly device: 'camera' | 'microphone' | 'screen',
    detail: string,
    cure: string,
  ) {
    super(reason, detail, cure);
  }
}
