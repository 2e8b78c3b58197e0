// Devices by kind.

import type {Device} from './facts';
import type {MediaPort} from './media';

/** The devices of a kind, as applications see them. */
export const ofKind = (all: Awaited<ReturnType<MediaPort['devices']>>, kind: MediaDeviceKind): Device[] =>
  all.filter(each => each.kind === kind && each.id !== '').map(({id, label}) => ({id, label}));
