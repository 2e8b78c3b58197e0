// A WHIP publisher in a page, with its browser's fake camera, that restarts ICE. `window.whip` is what the test calls.
window.whip = {
  pc: null,
  url: '',

  take: (sdp, name) => sdp.match(new RegExp(`a=${name}:(.*)`))[1].trim(),

  async publish(token) {
    this.pc = new RTCPeerConnection();
    const devices = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360}});
    for (const track of devices.getTracks()) this.pc.addTransceiver(track, {direction: 'sendonly'});
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const headers = {Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp'};
    const found = new Promise(resolve => this.pc.addEventListener('icegatheringstatechange', resolve, {once: true}));
    if (this.pc.iceGatheringState !== 'complete') await found;
    const answer = await fetch('/whip/demo', {method: 'POST', headers, body: this.pc.localDescription.sdp});
    this.url = answer.headers.get('Location');
    await this.pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  },

  async restart(token) {
    const before = this.take(this.pc.currentRemoteDescription.sdp, 'ice-ufrag');
    this.pc.restartIce();
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const ours = this.pc.localDescription.sdp;
    const body = `a=ice-ufrag:${this.take(ours, 'ice-ufrag')}\r\na=ice-pwd:${this.take(ours, 'ice-pwd')}\r\n`;
    const type = 'application/trickle-ice-sdpfrag';
    const headers = {Authorization: `Bearer ${token}`, 'Content-Type': type, 'If-Match': '*'};
    const answer = await fetch(this.url, {method: 'PATCH', headers, body});
    const fragment = await answer.text();
    const candidates = fragment.match(/a=candidate:.*/g).map(line => line.trim() + '\r\n').join('');
    const sdp = this.pc.currentRemoteDescription.sdp.replace(/a=candidate:.*\r\n|a=end-of-candidates\r\n/g, '')
      .replace(/a=ice-ufrag:.*/g, `a=ice-ufrag:${this.take(fragment, 'ice-ufrag')}`)
      .replace(/a=ice-pwd:.*\r\n/g, `a=ice-pwd:${this.take(fragment, 'ice-pwd')}\r\n${candidates}`);
    await this.pc.setRemoteDescription({type: 'answer', sdp});
    return [answer.status, before, this.take(fragment, 'ice-ufrag')];
  },

  async pairChanges() {
    const stats = [...(await this.pc.getStats()).values()];
    return stats.find(each => each.type === 'transport').selectedCandidatePairChanges;
  },
};
