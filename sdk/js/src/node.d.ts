// The part of node's test runner that the tests use.

declare module 'node:test' {
  export function describe(name: string, body: () => void): void;
  export function it(name: string, body: () => void | Promise<void>): void;
  export function beforeEach(body: () => void | Promise<void>): void;
  export function afterEach(body: () => void | Promise<void>): void;
  export const mock: {
    timers: {enable(options: {apis: string[]; now?: number}): void; reset(): void; tick(ms: number): void};
  };
}

declare module 'node:assert/strict' {
  export function equal(actual: unknown, expected: unknown, message?: string): void;
  export function deepEqual(actual: unknown, expected: unknown, message?: string): void;
  export function ok(value: unknown, message?: string): asserts value;
  export function throws(body: () => unknown, expected?: object): void;
  export function rejects(body: Promise<unknown> | (() => Promise<unknown>), expected?: object): Promise<void>;
}

declare function setImmediate(done: () => void): void;
