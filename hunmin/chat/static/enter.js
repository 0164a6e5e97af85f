// What Enter does in a box for text, with the Korean input method above all.
//
// A Hangul syllable in the making belongs to the input method, and so does an Enter pressed then:
// it ends the syllable and never sends. Browsers tell it in three ways. Chrome and Firefox send a
// keydown with `isComposing`, or with keyCode 229; Chrome on Windows sends a second one, keyCode
// 13, for the same press; Safari ends the composition first and sends keyCode 229 after it.
//
// A reader may choose that this Enter also sends (`sendsAfterComposition`): then the text is sent
// once, by a task after the composition has ended, so no syllable is lost or doubled.

const HANGUL_AT_END = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]$/;
const SAME_PRESS_MS = 200;

export class EnterKey {
  /**
   * @param {object} options
   * @param {() => void} options.send What a plain Enter does.
   * @param {() => boolean} [options.newline] Whether Enter makes a new line here (touch screens).
   * @param {() => boolean} [options.sendsAfterComposition]
   */
  constructor({ send, newline = () => false, sendsAfterComposition = () => false }) {
    this.send = send;
    this.newline = newline;
    this.sendsAfterComposition = sendsAfterComposition;
    this.composing = false;
    this.composed = "";
    this.sendAtEnd = false;
    this.pressOfInputMethod = -Infinity;
  }

  /** Listen to a box for text; return what ends the listening. */
  attach(box) {
    const listeners = {
      compositionstart: () => {
        this.composing = true;
        this.composed = "";
      },
      compositionupdate: (event) => {
        this.composed = event.data ?? "";
      },
      compositionend: () => this.#endComposition(),
      keydown: (event) => this.#down(event),
      keyup: (event) => {
        if (isEnter(event)) this.pressOfInputMethod = -Infinity;
      },
      blur: () => {
        this.pressOfInputMethod = -Infinity;
        this.composing = false;
      },
    };
    for (const [name, listener] of Object.entries(listeners)) box.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) box.removeEventListener(name, listener);
    };
  }

  /** Do `send` now, or as soon as the syllable in the making has ended. For buttons. */
  sendWhenWhole() {
    if (this.composing) this.sendAtEnd = true;
    else this.send();
  }

  #endComposition() {
    this.composing = false;
    if (!this.sendAtEnd) return;
    this.sendAtEnd = false;
    setTimeout(this.send);
  }

  #down(event) {
    if (!isEnter(event)) return;
    if (event.isComposing || this.composing || event.keyCode === 229) {
      this.pressOfInputMethod = event.timeStamp;
      if (event.keyCode === 13) event.preventDefault();
      if (this.sendsAfterComposition() && HANGUL_AT_END.test(this.composed)) {
        if (this.composing) this.sendAtEnd = true;
        else setTimeout(this.send);
      }
      return;
    }
    if (event.timeStamp - this.pressOfInputMethod < SAME_PRESS_MS) {
      event.preventDefault();
      return;
    }
    if (event.shiftKey || event.altKey) return;
    if (this.newline() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!event.repeat) this.send();
  }
}

function isEnter(event) {
  return event.key === "Enter" || event.code === "Enter" || event.code === "NumpadEnter";
}
