// Figures summed up over connections, and the loudest tone.

import {deepEqual, equal, ok} from 'node:assert/strict';
import {describe, it} from 'node:test';

import type {SessionStatistics, StreamStatistics} from '../src/index';
import {figuresOf} from './quality';
import {loudest, loudestNear} from './sound';

const stream = (more: Partial<StreamStatistics>): StreamStatistics => ({
  mid: '0',
  slot: 'v1',
  direction: 'in',
  kind: 'video',
  packets: 0,
  lost: 0,
  jitterMs: 0,
  bytes: 0,
  frames: 0,
  dropped: 0,
  freezes: 0,
  freezeS: 0,
  width: 0,
  height: 0,
  fps: 0,
  ...more,
});
const STATISTICS: SessionStatistics = {
  connections: [
    {
      connection: 'c1',
      purpose: 'receive',
      rttMs: 20,
      streams: [
        stream({packets: 990, lost: 10, bytes: 500_000, jitterMs: 4, freezes: 1, freezeS: 0.5}),
        stream({bytes: 500_000, jitterMs: 9}),
      ],
    },
    {
      connection: 'c2',
      purpose: 'send',
      rttMs: 35,
      streams: [stream({direction: 'out', bytes: 9_000_000, packets: 70})],
    },
  ],
  frames: {v1: 300, v2: 200},
};

describe('figures', () => {
  it('sums up what is received, and takes the longest round trip', () => {
    const {
      rttMs,
      bitsPerSecond,
      lost,
      packets,
      jitterMs,
      freezes,
      freezeS,
      frames,
    } = figuresOf(STATISTICS, {bytes: 500_000, atMs: 1000}, 3000);
    deepEqual(
      [rttMs, bitsPerSecond, lost, packets, jitterMs, freezes, freezeS, frames],
      [35, 2_000_000, 10, 990, 9, 1, 0.5, 500],
    );
  });

  it('knows no rate before a second look, and no round trip without connections', () => {
    equal(figuresOf(STATISTICS, null, 0).bitsPerSecond, -1);
    deepEqual(
      [figuresOf({connections: [], frames: {}}, null, 0)].map(({rttMs, jitterMs, frames}) => [rttMs, jitterMs, frames]),
      [[null, 0, 0]],
    );
  });

  it('finds a tone between two bins, and silence', () => {
    const bins = new Float32Array(100).fill(-120);
    bins.set([-40, -20, -30], 40);
    const hz = loudest(bins, 10);
    ok(hz > 410 && hz < 415, String(hz));
    equal(loudest(new Float32Array(100).fill(-90), 10), 0);
  });

  it('finds a weaker tone where it is asked for, and not the slope of a stronger one', () => {
    const bins = new Float32Array(4000).fill(-120);
    bins.set([-50, -20, -50], 300); // 878 Hz
    bins.set([-70, -45, -70], 170); // 500 Hz
    const hzPerBin = 48_000 / 16_384;
    deepEqual(
      [loudest(bins, hzPerBin), loudestNear(bins, hzPerBin, 500), loudestNear(bins, hzPerBin, 700)].map(Math.round),
      [882, 501, 0],
    );
    bins.set([-30, -25, -22, -20], 298);
    equal(loudestNear(bins, hzPerBin, 858), 0);
  });
});
