// Before joining: one's name, a look at one's own picture, the way to the service.

import type {DeviceView} from './device-view';
import type {Devices} from './devices';
import {byId, memory, setText} from './dom';
import type {Link} from './link';
import {showScreen, showState} from './notices';
import type {Sdk} from './sdk';

/** What the person decided. */
export interface Decision {
  name: string;
  devices: boolean;
  measuredRtt: Record<string, number>;
  /** Entries of the regions that answered, the nearest first. */
  entries: readonly string[];
}

/** Ask; the answer comes when the person joins. `name` is what is known of it. */
export function askBeforeJoin(
  sdk: Sdk,
  link: Link,
  devices: Devices,
  view: DeviceView,
  name: string,
): Promise<Decision> {
  showState('idle');
  showScreen('prejoin');
  view.moveTo(byId('prejoin-devices'));
  void devices.start();
  const field = byId<HTMLInputElement>('prejoin-name');
  field.value = name;
  let network: Pick<Decision, 'measuredRtt' | 'entries'> = {measuredRtt: {}, entries: []};
  void lookAtNetwork(sdk, link).then(found => {
    network = found;
  });
  return new Promise(resolve => {
    const decide = (withDevices: boolean): void => {
      const chosen = field.value.trim();
      memory.set('name', chosen);
      if (!withDevices) devices.stop();
      resolve({name: chosen, devices: withDevices, ...network});
    };
    byId('prejoin-form').onsubmit = event => {
      event.preventDefault();
      decide(true);
    };
    byId('join-without').onclick = () => decide(false);
    (name ? byId('main') : field).focus();
  });
}

/** Measure the way to each region, and say how it is. */
async function lookAtNetwork(sdk: Sdk, link: Link): Promise<Pick<Decision, 'measuredRtt' | 'entries'>> {
  const place = byId('prejoin-network');
  setText(place, 'Checking the connection…');
  place.dataset['network'] = '';
  try {
    const report = await sdk.prejoin(location.origin, link.token, {devices: false});
    const trips = Object.values(report.measuredRtt);
    const best = trips.length ? Math.round(Math.min(...trips)) : null;
    if (best === null) throw new Error('no region answers');
    place.dataset['network'] = best < 250 ? 'good' : 'fair';
    setText(
      place,
      best < 250 ? `Your connection is good (${best} ms).` : `Your connection is slow (${best} ms), but should do.`,
    );
    return report;
  } catch {
    place.dataset['network'] = 'poor';
    setText(place, 'The service did not answer our check. You can still try to join.');
    return {measuredRtt: {}, entries: []};
  }
}

