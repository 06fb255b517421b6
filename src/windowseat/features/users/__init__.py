"""Who may use this home: the owner, signed-in browsers and keys for programs.

For the entrypoints, which put the `User` on every request that these checks let in.

    users = Users(database, clock, ids)
    link = await users.new_link(await users.owner())       # printed on first start, good for an hour
    signed_in = await users.sign_in(link.token, agent)     # once; the cookie is signed_in.cookie
    user = await users.user_of(cookie)                     # NotAllowed when it is none
    key = await users.new_key(user, "editor", "v1")        # key.secret is shown this once
"""

from windowseat.features.users.service import ApiKey, NewKey, Scope, SignedIn, SignIn, SignInLink, Users

__all__ = ["ApiKey", "NewKey", "Scope", "SignIn", "SignInLink", "SignedIn", "Users"]
