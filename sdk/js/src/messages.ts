// The messages between a client and a gateway, as gateway/client/requests.py and events.py have them.

export type Role = 'viewer' | 'speaker' | 'moderator';
export type Purpose = 'receive' | 'voice' | 'send';
export type Source = 'camera' | 'screen' | 'microphone' | 'off';

export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  cure?: string;
  field?: string;
  retry_after_s?: number;
}

export interface Media {
  mid: string;
  slot?: string;
}

export interface OfferAnswer {
  connection: string;
  sdp: string;
  media: Media[];
}

export interface Seat {
  slot: string;
  participant: string;
  name?: string;
  source?: 'camera' | 'screen';
}

export interface Person {
  participant: string;
  name?: string;
  role?: Role;
  hand?: boolean;
  muted?: boolean;
  live?: boolean;
}

export interface Limits {
  messages_ps: number;
  data_ps: number;
  message_bytes: number;
  data_bytes: number;
  ping_s: number;
}

export interface Joined {
  version: number;
  session: string;
  participant: string;
  role: Role;
  rights: string[];
  name: string;
  region: string;
  codec: 'vp8' | 'h264';
  slots: string[];
  resume: {key: string; within_s: number};
  limits: Limits;
  resumed: boolean;
  ice_servers: IceServer[];
  receive: OfferAnswer | null;
}

export interface Page {
  participants: Person[];
  total: number;
  next: string;
}

export interface Connect {
  event: 'connect';
  connection: string;
  purpose: Purpose;
  replaces?: string;
  reason?: string;
  ice_servers?: IceServer[];
}

export type Event =
  | Connect
  | {event: 'disconnect'; connection: string; reason?: string}
  | {event: 'role'; role: Role; live: boolean; by?: string; reason?: string}
  | {event: 'stage'; seats: Seat[]; main?: string}
  | {event: 'talking'; participants: string[]}
  | {event: 'muted'; on: boolean; by?: string}
  | {event: 'roster'; total: number; viewers: number; hands: number; speakers: Person[]}
  | {event: 'presence'; joined?: Person[]; left?: string[]; changed?: Person[]}
  | {event: 'hands'; queue?: {participant: string; name: string; since_s: number}[]; place?: number}
  | {event: 'data'; n: number; sender: string; name?: string; to?: string; topic?: string; data?: string}
  | {event: 'quality'; network: 'good' | 'fair' | 'poor'; videos?: {slot: string; layer?: number; reason?: string}[]}
  | {event: 'closing'; reason?: string}
  | {event: 'closed'; reason: string; by?: string; detail?: string};
