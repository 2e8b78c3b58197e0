// How often, and for how long, a broken connection to the gateway is tried again.

/** When to try again. All times in milliseconds. */
export interface ReconnectPolicy {
  /** Pause before the second try; the first is made at once. */
  firstMs: number;
  /** The longest pause. */
  mostMs: number;
  /** Each pause is so many times the one before. */
  factor: number;
  /** Share of a pause that is left to chance (0 to 1), so that thousands do not come back in the same moment. */
  jitter: number;
  /** After so long without a connection the session is closed. */
  giveUpMs: number;
  /** The pause before try `attempt` (0 is the first); `random` is in [0, 1). */
  pauseMs(attempt: number, random: number): number;
}

/** The policy that is used where an application names no other. */
export function reconnectPolicy(options: Partial<ReconnectPolicy> = {}): ReconnectPolicy {
  return {
    firstMs: 250,
    mostMs: 8_000,
    factor: 2,
    jitter: 0.3,
    giveUpMs: 120_000,
    pauseMs(attempt, random) {
      if (attempt === 0) return 0;
      const whole = Math.min(this.firstMs * this.factor ** (attempt - 1), this.mostMs);
      return whole * (1 - this.jitter * random);
    },
    ...options,
  };
}
