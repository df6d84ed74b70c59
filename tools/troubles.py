# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/trouble.md says of each class of error in `api/errors.py`: where it is met, what it means, what to do, and
what happens to the money. Words only; `trouble.py` makes the page of them."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """What a user should know of one class of errors."""

    title: str
    where: str  # one of `PLACES`
    meaning: str
    remedy: str
    money: str


PLACES = {
    "Before a job starts": "Under the button **Generate 3D Model**, as a red report in the status bar, or at a job "
    "that has not sent its request yet.",
    "The service refuses": "At a failed job in the list. The service answered, and said no.",
    "The connection": "At a failed job, beside Meshy's credits, or under **Check** in the preferences.",
    "The answer was lost": "At an unconfirmed job in the list.",
    "While the service works": "At a failed job in the list, after the service had taken the request.",
    "The model on its way into the scene": "At a failed job in the list. The model was made; what is wrong is its "
    "file, or what this computer can do with it.",
    "The jobs themselves": "As a red report in the status bar after you pressed something, or in place of the list.",
    "This computer": "Anywhere: at a failed job, in the status bar, in place of the list.",
}
"""Where errors are met, in the order in which a job meets them."""

NOTHING = "Nothing was sent, so nothing is charged."
NO_TASK = (
    "A request for a model that is refused makes no task, and nothing is charged. If the task was there before, it is "
    "kept, and **Retry** goes on with it."
)
KEPT = "What is paid for is kept: **Retry** goes on with the same task and pays nothing again."
MODEL_KEPT = "The file that was delivered stays in the job's folder, and **Retry** pays nothing again."

ENTRIES = {
    "PictureError": Entry(
        "The picture cannot be used",
        "Before a job starts",
        "The file is missing, damaged, empty, of a kind that Blender cannot open, or shows nothing. The sentence "
        "says which. A picture that only turns out to be bad when the job begins is told at the job.",
        "Do what the sentence says: choose another file, or save the picture anew as PNG. A picture that was "
        "changed after you pressed the button is refused, too: generate again.",
        NOTHING,
    ),
    "ParameterError": Entry(
        "A parameter does not fit",
        "Before a job starts",
        "A value is out of its range, or two settings exclude each other. In the panel this is said before you "
        "press the button; scripts meet it as an exception.",
        "Change what the sentence names. [parameters.md](parameters.md) lists what each parameter takes. The arrow "
        "in the header of the parameters sets all of them back.",
        NOTHING,
    ),
    "TargetError": Entry(
        "The model cannot be saved there",
        "Before a job starts",
        "Scripts meet it as an exception: the path at which a model is to be saved is a folder, or lies in one that is "
        "not there or takes no file.",
        "Make the folder, or name another file. `check_target` says it before anything is asked for.",
        "With `check_target` nothing was sent. Where `save` says it, the task has its model: save it somewhere else.",
    ),
    "NoKeyError": Entry(
        "There is no key",
        "Before a job starts",
        "The service wants an API key, and neither the preferences nor the environment has a usable one. Blender "
        "forgets the preferences of an extension, with its keys, when the extension is disabled.",
        "Enter the key in *Edit › Preferences › Add-ons › Image to 3D*, and press **Check**. For Local no key is "
        "needed.",
        NOTHING,
    ),
    "OfflineError": Entry(
        "Blender is offline",
        "Before a job starts",
        "*Allow Online Access* is off in Blender's preferences, or Blender was started with `--offline-mode`. Jobs "
        "that wait for a web service wait until that changes.",
        "Press **Allow Online Access** in the tab, or use Local. If the switch is grey, Blender was started offline.",
        f"{NOTHING} A task that was made before goes on at the service, and its job goes on when you are online again.",
    ),
    "LackError": Entry(
        "Your own server lacks something",
        "Before a job starts",
        "ComfyUI answers, but has not the nodes or the files that the workflow needs.",
        "**Get the File** opens the page that has the file; the sentence names the folder where it belongs. For "
        "missing nodes update ComfyUI, or choose another workflow.",
        "ComfyUI costs nothing.",
    ),
    "KeyRefusedError": Entry(
        "The key is refused",
        "The service refuses",
        "The service does not know the key: it was mistyped, revoked, or belongs to another service.",
        "Enter a valid key in the preferences and press **Check**, which costs nothing. Then press **Retry**.",
        NO_TASK,
    ),
    "NoCreditsError": Entry(
        "Too few credits",
        "The service refuses",
        "The account has fewer credits than the model costs.",
        "Buy credits at the service, or choose cheaper parameters: the button says the price. Then press **Retry**.",
        NO_TASK,
    ),
    "PlanError": Entry(
        "The plan does not allow it",
        "The service refuses",
        "The account's plan has no access to the API, or not to what was asked for. Meshy makes no models by API on "
        "its free plan, whatever credits there are.",
        "Look at your account at the service. Local and ComfyUI need no plan.",
        NO_TASK,
    ),
    "PictureRefusedError": Entry(
        "The service cannot use the picture",
        "The service refuses",
        "The service could not read the picture, or finds it too large.",
        "Use another picture, or save it anew as PNG or JPEG, smaller if the sentence says so.",
        NO_TASK,
    ),
    "ModerationError": Entry(
        "The moderation blocked it",
        "The service refuses",
        "The service takes the picture or the prompt for something that it does not allow.",
        "Use another picture or prompt. Local and ComfyUI on your own computer ask nobody.",
        NO_TASK,
    ),
    "RefusedError": Entry(
        "The request is refused",
        "The service refuses",
        "The service does not accept what was asked for. Its own words stand in the sentence.",
        "Change what the sentence names. For ComfyUI: update it, or export the workflow again.",
        NO_TASK,
    ),
    "QueueFullError": Entry(
        "All places are taken",
        "The service refuses",
        "As many tasks of your account run or wait as its plan allows. The job waits and tries again by itself; "
        "only if that takes too long does it fail.",
        "Wait until one has ended, then press **Retry**.",
        NO_TASK,
    ),
    "RateLimitError": Entry(
        "Too many requests at once",
        "The service refuses",
        "The service is busy, or was asked too often. The job waits as long as the service says and tries again by "
        "itself; only if that takes too long does it fail.",
        "Wait a moment, then press **Retry**.",
        NO_TASK,
    ),
    "UnavailableError": Entry(
        "The service has a trouble of its own",
        "The service refuses",
        "The service answered that something is broken there. If that was the answer to the request itself, the job "
        "looks for its task first, and becomes unconfirmed if it cannot tell.",
        "Press **Retry** later.",
        KEPT,
    ),
    "ConnectionFailedError": Entry(
        "The connection broke",
        "The connection",
        "A host cannot be reached, or stopped answering. A job tries for a while before it fails.",
        "Check the network, then press **Retry**: the job goes on where it stopped.",
        KEPT,
    ),
    "ServiceAwayError": Entry(
        "The service cannot be reached",
        "The connection",
        "The service's own address does not answer: the network is down, the service is, or the address is wrong. "
        "ComfyUI may not be running.",
        "Check the network and the address in the preferences; start ComfyUI. Then press **Retry**.",
        KEPT,
    ),
    "ProxyError": Entry(
        "The proxy refuses",
        "The connection",
        "The proxy of your network cannot be reached, or wants a login that it did not get.",
        "Check the proxy in the preferences of the extension, or `HTTPS_PROXY` in the environment.",
        KEPT,
    ),
    "CertificateError": Entry(
        "The certificate is not trusted",
        "The connection",
        "The host could not prove who it is. Often a company's network reads all traffic with a certificate of its "
        "own; else the clock of this computer may be wrong.",
        "Set the clock; choose the company's certificate file (PEM) in the preferences. Nothing is sent until this "
        "is solved.",
        KEPT,
    ),
    "AnswerLostError": Entry(
        "The service did not answer",
        "The answer was lost",
        "The request left this computer, and no answer came: the service may have made the model, and charged for "
        "it. The job has looked for it in the service's list and could not tell for sure which task is its own.",
        "**Look Again** asks once more and costs nothing. **Adopt Task** goes on with a task that was found, or "
        "whose id you see on the service's own page. **Send Again** asks for another model. **Forget Task** gives "
        "it up.",
        "The model may be charged already. Only **Send Again** can be charged a second time, and asks first.",
    ),
    "TaskFailedError": Entry(
        "No model came of it",
        "While the service works",
        "The service tried and gave up, or Local could make no shape of the picture. The reason stands in the "
        "sentence.",
        "Do what the sentence says, or use another picture. **Retry** asks for a new model.",
        "Your account at the service tells whether a failed task is charged. **Retry** pays for a new one, and its "
        "button says how much before you press it. Local and ComfyUI cost nothing.",
    ),
    "TimeLimitError": Entry(
        "It takes too long",
        "While the service works",
        "The model was not there within the time limit of the preferences. The task goes on at the service.",
        "Press **Retry** later: it looks again. If this happens often, raise the time limit.",
        KEPT,
    ),
    "GoneError": Entry(
        "The service does not know the task",
        "While the service works",
        "The service no longer keeps the task; Meshy keeps results for three days. A wrong address or another "
        "account's key looks the same.",
        "Check the key and the address first. A retry asks for the task once more before it gives it up.",
        "What the lost task cost is not paid back. Retry says what a new one costs before it is sent.",
    ),
    "DownloadError": Entry(
        "The model cannot be fetched",
        "While the service works",
        "The file is too large, arrives too slowly, or lies at an address that must not be used: one that is not "
        "https, or one in your own network that a service elsewhere names. A mistyped address in the preferences is "
        "told so, too.",
        "Press **Retry**. If the sentence speaks of an address that you entered, correct it.",
        KEPT,
    ),
    "AddressExpiredError": Entry(
        "The address of the model has expired",
        "While the service works",
        "Services hand out addresses that hold for a while. The job asks for a fresh one by itself; this is said "
        "only if that does not help.",
        "Press **Retry**.",
        KEPT,
    ),
    "GlbError": Entry(
        "The model's file is not whole",
        "The model on its way into the scene",
        "What the service delivered is no whole GLB, refers to files elsewhere, or holds what Blender cannot read.",
        "Press **Retry**: the file is prepared, or fetched, again. The sentence says where the file is kept; other "
        "programs may open it.",
        MODEL_KEPT,
    ),
    "BrokenGlbError": Entry(
        "The model's file is damaged",
        "The model on its way into the scene",
        "The file arrived as the service has it, and what stands in it cannot be used. To fetch it again would not "
        "mend it.",
        "Another program may open the file, which is kept. If you want another model, use **Generate 3D Model** again.",
        f"{MODEL_KEPT} A new model costs as much as the first; if the file is damaged, ask the service to pay it back.",
    ),
    "BlenderError": Entry(
        "The background Blender stopped",
        "The model on its way into the scene",
        "Pictures and models are prepared by a Blender without windows. It could not be started, took more memory "
        "or time than the preferences allow, or crashed.",
        "The sentence names **Model Memory** or **Model Time** where one of them was the reason: raise it in the "
        "preferences. Else close some programs. Then press **Retry**. The file log.txt in the job's folder has the "
        "details.",
        MODEL_KEPT,
    ),
    "JobError": Entry(
        "The job cannot do that",
        "The jobs themselves",
        "The job's folder is missing or cannot be read, or the job is in another state than the button expects: it "
        "may have ended meanwhile.",
        "Look at the job in the list; what can be done with it has a button there. A record that cannot be read "
        "stands in the list, too, and its files are untouched.",
        "Nothing is paid, and nothing is deleted.",
    ),
    "BusyError": Entry(
        "Another process works on the job",
        "The jobs themselves",
        "Two Blenders may run, or a script: a job belongs to the one that began with it.",
        "Wait a moment. If the other Blender is gone, the job is free again.",
        "Nothing is paid twice.",
    ),
    "ServiceError": Entry(
        "Another answer of a service",
        "The service refuses",
        "The service answered something that nobody foresaw.",
        "Press **Retry** later. The status and the request id in brackets help the people of the service to find it.",
        KEPT,
    ),
    "ImageTo3DError": Entry(
        "Anything else",
        "The jobs themselves",
        "All errors above are of this class, and scripts can catch it. A job that failed with an error that a later "
        "version has named is shown as this.",
        "Read the sentence. The file log.txt in the job's folder has the details.",
        KEPT,
    ),
}
"""By the name of the class. `tests/dev/test_trouble.py` fails for a class without an entry."""
