// Figures of a connection, from getStats.

/** What a connection receives or sends now: {rttMs, kbps, streams: [{kind, mid, width, height, fps, frames, kbps, lostPct}]}. */
export class Figures {
  #before = new Map();

  async read(pc) {
    const reports = [...(await pc.getStats()).values()];
    const streams = [];
    for (const each of reports) {
      if (each.type !== 'inbound-rtp' && each.type !== 'outbound-rtp') continue;
      const inbound = each.type === 'inbound-rtp';
      const bytes = inbound ? each.bytesReceived : each.bytesSent;
      const remote = inbound ? null : reports.find(r => r.id === each.remoteId);
      const before = this.#before.get(each.id) ?? {bytes, at: each.timestamp, lost: 0, packets: 0};
      const seconds = (each.timestamp - before.at) / 1000;
      const packets = inbound ? each.packetsReceived : each.packetsSent;
      const lost = Math.max(0, inbound ? each.packetsLost : remote?.packetsLost ?? 0);
      const sent = packets - before.packets + (inbound ? lost - before.lost : 0);
      streams.push({
        kind: each.kind, mid: each.mid, rid: each.rid ?? '', width: each.frameWidth ?? 0, height: each.frameHeight ?? 0,
        fps: each.framesPerSecond ?? 0, frames: (inbound ? each.framesDecoded : each.framesEncoded) ?? 0,
        kbps: seconds > 0 ? Math.round((bytes - before.bytes) * 8 / seconds / 1000) : 0,
        lostPct: sent > 0 ? 100 * (lost - before.lost) / sent : 0,
      });
      this.#before.set(each.id, {bytes, at: each.timestamp, lost, packets});
    }
    const pair = reports.find(r => r.type === 'candidate-pair' && r.nominated && r.state === 'succeeded');
    const local = pair && reports.find(r => r.id === pair.localCandidateId);
    return {
      rttMs: pair?.currentRoundTripTime === undefined ? null : Math.round(pair.currentRoundTripTime * 1000),
      route: local ? `${local.protocol?.toUpperCase() ?? ''} ${local.candidateType === 'relay' ? 'relayed' : 'direct'}`.trim() : '–',
      kbps: streams.reduce((sum, each) => sum + each.kbps, 0),
      streams,
    };
  }
}

/** Fill a description list from [[name, value], …]. */
export function showFigures(list, pairs) {
  list.replaceChildren(...pairs.map(([name, value]) => {
    const box = document.createElement('div');
    const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
    [dt.textContent, dd.textContent] = [name, value];
    box.append(dt, dd);
    return box;
  }));
}
