// What browsers have and TypeScript 4.9 does not know.

interface HTMLMediaElement {
  setSinkId?(deviceId: string): Promise<void>;
}
