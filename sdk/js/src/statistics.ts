// Figures of all connections, for the gateway and for the application.

import type {ConnectionStatistics, SessionStatistics} from './api';
import type {Connection} from './connection';
import type {Figures} from './media';
import type {Receiving} from './receiving';

export const EVERY_MS = 2_000;

/** Figures of one connection, as the wire has them. */
export interface ConnectionFigures {
  connection: string;
  rtt_ms: number;
  streams: Figures[];
}

/** Read all connections once; pictures by slot are counted on the way. */
export async function read(
  connections: readonly Connection[],
  receiving: Receiving,
): Promise<{told: ConnectionFigures[]; statistics: SessionStatistics}> {
  const told: ConnectionFigures[] = [];
  const shown: ConnectionStatistics[] = [];
  for (const connection of connections) {
    if (!connection.id || connection.closed) continue;
    const {rttMs, streams} = await connection.peer.figures();
    if (connection.purpose === 'receive') receiving.count(connection, streams);
    told.push({connection: connection.id, rtt_ms: rttMs, streams});
    shown.push({
      connection: connection.id,
      purpose: connection.purpose,
      rttMs,
      streams: streams.map(({jitter_ms: jitterMs, freeze_s: freezeS, ...rest}) => ({
        ...rest,
        jitterMs,
        freezeS,
        slot: connection.purpose === 'receive' ? receiving.slotOf(connection, rest.mid) : '',
      })),
    });
  }
  return {told, statistics: {connections: shown, frames: receiving.frames}};
}
